import type { Percentiles, Sample, Stats } from '@/api/stats';

export const windowSeconds = 120;

/** The samples of the last two minutes, the oldest first. */
export const recent = ({ time, history }: Stats): Sample[] =>
  history.filter((sample) => sample.time > time - windowSeconds - 1 && sample.time <= time);

export const isQuiet = ({ requests, ttft_ms }: { requests: Stats['requests']; ttft_ms: Percentiles }) =>
  requests.running === 0 && requests.queued === 0 && ttft_ms.count === 0;
