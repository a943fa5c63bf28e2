import type { Timings } from '@/api/chat';

/** A reply that starts within this feels immediate (Nielsen, Usability Engineering, 1993, section 5.5). */
export const budgetMs = 100;

export type Stage = 'tokenize' | 'queue' | 'prefill' | 'decode';

export interface Bar {
  stage: Stage;
  startMs: number;
  durationMs: number;
  /** Place on the time axis, in percent of its length. */
  left: number;
  width: number;
}

export interface Waterfall {
  totalMs: number;
  firstTokenMs: number;
  bars: Bar[];
  /** Place of the first token and of the budget on the axis in percent; the budget is null where the axis ends before it. */
  firstToken: number;
  budget: number | null;
  /** Of the prompt's tokens, those that were not computed: 0 to 1. */
  cachedShare: number;
  /** After the first token; null for an answer of one token. */
  decodeTokensPerSecond: number | null;
  /** Of the part that was computed; null when all was cached. */
  prefillTokensPerSecond: number | null;
}

/** Where the bars of a request stand. Time that no stage accounts for lies before prefill. */
export function waterfall(timings: Timings): Waterfall {
  const firstTokenMs = Math.max(timings.ttft_ms, timings.tokenize_ms + timings.queue_ms + timings.prefill_ms);
  const totalMs = firstTokenMs + timings.decode_ms;
  const place = (ms: number) => (totalMs > 0 ? (100 * ms) / totalMs : 0);
  const stages: [Stage, number, number][] = [
    ['tokenize', 0, timings.tokenize_ms],
    ['queue', timings.tokenize_ms, timings.queue_ms],
    ['prefill', firstTokenMs - timings.prefill_ms, timings.prefill_ms],
    ['decode', firstTokenMs, timings.decode_ms],
  ];
  const computed = timings.prompt_tokens - timings.cached_tokens;
  return {
    totalMs,
    firstTokenMs,
    bars: stages.map(([stage, startMs, durationMs]) => ({
      stage,
      startMs,
      durationMs,
      left: place(startMs),
      width: place(durationMs),
    })),
    firstToken: place(firstTokenMs),
    budget: totalMs > budgetMs ? place(budgetMs) : null,
    cachedShare: timings.prompt_tokens > 0 ? Math.min(1, timings.cached_tokens / timings.prompt_tokens) : 0,
    decodeTokensPerSecond:
      timings.new_tokens > 1 && timings.decode_ms > 0 ? (1000 * (timings.new_tokens - 1)) / timings.decode_ms : null,
    prefillTokensPerSecond: computed > 0 && timings.prefill_ms > 0 ? (1000 * computed) / timings.prefill_ms : null,
  };
}

/** How the first token compares with the budget, in words. */
export function verdict(firstTokenMs: number): string {
  const ratio = firstTokenMs / budgetMs;
  if (ratio <= 0.5) return `${(1 / ratio).toFixed(ratio < 0.1 ? 0 : 1)}× faster than 100 ms`;
  if (ratio <= 1) return 'within 100 ms';
  return `${ratio.toFixed(ratio < 10 ? 1 : 0)}× over 100 ms`;
}
