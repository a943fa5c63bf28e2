import type { Percentiles, Sample, Stats } from '@/api/stats';

/** What charts show of one second. The server's history has the medians; higher percentiles begin with this page. */
export interface Moment extends Sample {
  ttft_p90_ms: number | null;
  ttft_p99_ms: number | null;
}

export const windowSeconds = 120;

const second = (time: number) => Math.floor(time);

/** The last two minutes: what the server remembers of them, with what this page has seen itself. */
export function merge(seen: readonly Moment[], stats: Stats): Moment[] {
  const bySecond = new Map(seen.map((moment) => [second(moment.time), moment]));
  for (const sample of stats.history) {
    const known = bySecond.get(second(sample.time));
    bySecond.set(second(sample.time), {
      ...sample,
      ttft_p90_ms: known?.ttft_p90_ms ?? null,
      ttft_p99_ms: known?.ttft_p99_ms ?? null,
    });
  }
  const latest = bySecond.get(second(stats.time)) ?? fromStats(stats);
  bySecond.set(second(stats.time), {
    ...latest,
    ttft_p90_ms: stats.ttft_ms.p90,
    ttft_p99_ms: stats.ttft_ms.p99,
  });
  return [...bySecond.values()]
    .filter(({ time }) => time > stats.time - windowSeconds && second(time) <= second(stats.time))
    .sort((a, b) => a.time - b.time);
}

function fromStats(stats: Stats): Moment {
  return {
    time: stats.time,
    queued: stats.requests.queued,
    running: stats.requests.running,
    batch: stats.batch.sequences,
    prompt_tok_s: stats.tokens_s.prompt,
    generated_tok_s: stats.tokens_s.generated,
    cache_hit_rate: stats.prefix_cache.hit_rate,
    ttft_p50_ms: stats.ttft_ms.p50,
    ttft_p90_ms: null,
    ttft_p99_ms: null,
    inter_token_p50_ms: stats.inter_token_ms.p50,
    inter_token_p99_ms: stats.inter_token_ms.p99,
    rss_bytes: stats.memory.rss_bytes,
  };
}

export const isQuiet = ({ requests, ttft_ms }: { requests: Stats['requests']; ttft_ms: Percentiles }) =>
  requests.running === 0 && requests.queued === 0 && ttft_ms.count === 0;
