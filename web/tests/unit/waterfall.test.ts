import { describe, expect, test } from 'vitest';
import type { Timings } from '@/api/chat';
import { verdict, waterfall } from '@/pages/chat/waterfall';

const timings: Timings = {
  tokenize_ms: 1,
  queue_ms: 4,
  prefill_ms: 30,
  ttft_ms: 40,
  decode_ms: 160,
  prompt_tokens: 100,
  cached_tokens: 75,
  new_tokens: 17,
};

describe('the waterfall', () => {
  test('places every stage on the axis of the whole request', () => {
    const chart = waterfall(timings);
    expect(chart.totalMs).toBe(200);
    expect(chart.bars.map(({ stage, startMs, left, width }) => [stage, startMs, left, width])).toEqual([
      ['tokenize', 0, 0, 0.5],
      ['queue', 1, 0.5, 2],
      ['prefill', 10, 5, 15], // 5 ms that no stage accounts for lie before it
      ['decode', 40, 20, 80],
    ]);
    expect(chart.firstToken).toBe(20);
    expect(chart.budget).toBe(50);
  });

  test('counts rates over what was computed only', () => {
    const chart = waterfall(timings);
    expect(chart.cachedShare).toBe(0.75);
    expect(chart.prefillTokensPerSecond).toBeCloseTo(25 / 0.03);
    expect(chart.decodeTokensPerSecond).toBeCloseTo(16 / 0.16); // the first token belongs to prefill
  });

  test('has no rate where nothing was computed', () => {
    const chart = waterfall({ ...timings, cached_tokens: 100, new_tokens: 1, decode_ms: 0 });
    expect(chart.prefillTokensPerSecond).toBeNull();
    expect(chart.decodeTokensPerSecond).toBeNull();
  });

  test('has no budget line where all of it took less', () => {
    expect(waterfall({ ...timings, decode_ms: 20 }).budget).toBeNull();
  });

  test('stays finite for a request that took no time', () => {
    const nothing = Object.fromEntries(Object.keys(timings).map((key) => [key, 0])) as unknown as Timings;
    const chart = waterfall(nothing);
    for (const { left, width } of chart.bars) expect([left, width]).toEqual([0, 0]);
    expect(chart.cachedShare).toBe(0);
  });

  test('bars never leave the axis, whatever the server says', () => {
    const chart = waterfall({ ...timings, ttft_ms: 3 }); // less than its own stages
    for (const { left, width } of chart.bars) {
      expect(left).toBeGreaterThanOrEqual(0);
      expect(left + width).toBeLessThanOrEqual(100 + 1e-9);
    }
  });

  test.each([
    [8, '13× faster than 100 ms'],
    [40, '2.5× faster than 100 ms'],
    [80, 'within 100 ms'],
    [100, 'within 100 ms'],
    [250, '2.5× over 100 ms'],
    [2600, '26× over 100 ms'],
  ])('a first token after %i ms is %s', (ms, words) => expect(verdict(ms)).toBe(words));
});
