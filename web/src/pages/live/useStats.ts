import { useEffect, useState } from 'react';
import { asFailure, type Failure } from '@/api/errors';
import { fetchStats, type Sample, type Stats } from '@/api/stats';
import { recent } from './series';

export interface Live {
  stats: Stats | null;
  moments: readonly Sample[];
  failure: Failure | null;
}

const everyMs = 1000;

/** The server's numbers, every second while the page is seen and not paused. */
export function useStats(isPaused: boolean): Live {
  const [live, setLive] = useState<Live>({ stats: null, moments: [], failure: null });
  useEffect(() => {
    if (isPaused) return;
    const controller = new AbortController();
    let timer = 0;
    const tick = async () => {
      if (!document.hidden) {
        try {
          const stats = await fetchStats(controller.signal);
          setLive({ stats, moments: recent(stats), failure: null });
        } catch (thrown) {
          if (controller.signal.aborted) return;
          setLive((before) => ({ ...before, failure: asFailure(thrown) }));
        }
      }
      timer = window.setTimeout(tick, everyMs);
    };
    void tick();
    return () => {
      controller.abort();
      window.clearTimeout(timer);
    };
  }, [isPaused]);
  return live;
}
