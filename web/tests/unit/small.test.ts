import { describe, expect, test } from 'vitest';
import type { Stats } from '@/api/stats';
import { commandFor, shortcutText } from '@/app/commands';
import { bytes, milliseconds } from '@/lib/format';
import { fuzzyFilter } from '@/lib/fuzzy';
import { defaults, requestOptions, settingsFrom } from '@/pages/chat/settings';
import { recent } from '@/pages/live/series';

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
  test('show the last two minutes of the history', () => {
    const history = Array.from({ length: 300 }, (_, i) => ({ time: 1000 + i }));
    const shown = recent({ time: 1250.4, history } as unknown as Stats).map(({ time }) => time);
    expect(shown).toEqual(Array.from({ length: 121 }, (_, i) => 1130 + i));
  });
});
