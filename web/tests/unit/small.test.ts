import { describe, expect, test } from 'vitest';
import type { Stats } from '@/api/stats';
import { commandFor, shortcutText } from '@/app/commands';
import { bytes, milliseconds } from '@/lib/format';
import { fuzzyFilter } from '@/lib/fuzzy';
import { defaults, requestOptions, settingsFrom } from '@/pages/chat/settings';
import { merge } from '@/pages/live/series';

test.each([
  [0, '0 ms'],
  [0.126, '0.13 ms'],
  [8.44, '8.4 ms'],
  [9.96, '10 ms'],
  [154.4, '154 ms'],
  [999.6, '1.00 s'],
  [12_400, '12 s'],
])('%d ms reads %s', (ms, text) => expect(milliseconds(ms)).toBe(text));

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [4_710_624, '4.7 MB'],
  [128e9, '128 GB'],
])('%d bytes read %s', (count, text) => expect(bytes(count)).toBe(text));

describe('settings', () => {
  test('that were stored by another version keep what still fits', () => {
    expect(settingsFrom({ temperature: 0.7, topP: 'high', unknown: 1 })).toEqual({ ...defaults, temperature: 0.7 });
    expect(settingsFrom(null)).toEqual(defaults);
    expect(settingsFrom('x')).toEqual(defaults);
  });

  test('that are off are left out of the request', () => {
    expect(requestOptions({ ...defaults, maxTokens: 0 })).toEqual({ temperature: 0 });
    expect(requestOptions({ ...defaults, topP: 0.9, topK: 40, repetitionPenalty: 1.1, seed: '7' })).toEqual({
      temperature: 0,
      top_p: 0.9,
      top_k: 40,
      repetition_penalty: 1.1,
      max_tokens: 512,
      seed: 7,
    });
  });
});

describe('fuzzy search', () => {
  const names = ['Go to Chat', 'Go to Live', 'New chat', 'Switch theme', 'Grouped-Query Attention'];
  const find = (query: string) => fuzzyFilter(query, names, (name) => [name]);

  test('finds letters in order, best first', () => {
    expect(find('chat')[0]).toBe('New chat');
    expect(find('gqa')).toEqual(['Grouped-Query Attention']);
    expect(find('zz')).toEqual([]);
    expect(find('')).toEqual(names);
  });
});

describe('shortcuts', () => {
  const command = (shortcut: string) => ({
    id: shortcut,
    title: '',
    icon: null as never,
    shortcut,
    run: () => undefined,
  });
  const all = ['mod+k', '/', 'escape', 'mod+shift+o'].map(command);
  const press = (key: string, init: KeyboardEventInit = {}, target: HTMLElement = document.body) => {
    const event = new KeyboardEvent('keydown', { key, ...init });
    Object.defineProperty(event, 'target', { value: target });
    return commandFor(event, all)?.id;
  };

  test('are what was pressed', () => {
    expect(press('k', { ctrlKey: true })).toBe('mod+k');
    expect(press('/')).toBe('/');
    expect(press('/', { shiftKey: true })).toBe('/'); // where the key needs Shift
    expect(press('O', { ctrlKey: true, shiftKey: true })).toBe('mod+shift+o');
    expect(press('k')).toBeUndefined();
  });

  test('that are plain keys mean nothing while one writes, but Escape and Ctrl do', () => {
    const field = document.createElement('textarea');
    expect(press('/', {}, field)).toBeUndefined();
    expect(press('Escape', {}, field)).toBe('escape');
    expect(press('k', { ctrlKey: true }, field)).toBe('mod+k');
  });

  test('are written as on the keyboard', () => expect(shortcutText('mod+shift+o')).toBe('Ctrl Shift O'));
});

describe('live charts', () => {
  const sample = (time: number) => ({
    time,
    queued: 0,
    running: time % 7,
    batch: 1,
    prompt_tok_s: 1,
    generated_tok_s: 1,
    cache_hit_rate: null,
    ttft_p50_ms: 10,
    inter_token_p50_ms: 1,
    inter_token_p99_ms: 2,
    rss_bytes: 1,
  });
  const percentiles = { p50: 10, p90: 20, p99: 30, count: 3 };
  const stats = (time: number, history: number[]) =>
    ({ time, ttft_ms: percentiles, history: history.map(sample) }) as unknown as Stats;
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  test('are full when the page opens', () => {
    const moments = merge([], stats(1000.4, range(881, 1000)));
    expect(moments.map(({ time }) => time)).toEqual(range(881, 1000));
    expect(moments.at(-1)).toMatchObject({ ttft_p90_ms: 20, ttft_p99_ms: 30 });
    expect(moments[0]).toMatchObject({ ttft_p90_ms: null });
  });

  test('move: one second in, one out, and what was seen stays', () => {
    const before = merge([], stats(1000.4, range(881, 1000)));
    const after = merge(before, stats(1001.4, range(882, 1001)));
    expect(after).toHaveLength(120);
    expect(after.at(-1)?.time).toBe(1001);
    expect(after.at(-2)).toMatchObject({ time: 1000, ttft_p99_ms: 30 });
  });
});
