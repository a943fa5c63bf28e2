import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryStorage } from '@/lib/storage';
import { arranged, Board, freePlace, mostPieces, nearest, zoomed } from '@/pages/game/board';
import { GameSession } from '@/pages/game/game';
import { layout } from '@/pages/game/map';
import { Book, withEvents } from '@/pages/game/offline';
import type { Concept, Content, State } from '@/pages/game/types';

function concept(id: string, ...recipes: string[][]): Concept {
  const texts = { what: '', why: '', cost: '', when_not: '', complexity: '', improves: '', costs: '', generalizes: '' };
  return {
    ...texts,
    id,
    name: id.toUpperCase(),
    emoji: '•',
    category: 'c',
    difficulty: 1,
    module: 0,
    aliases: [],
    failure_modes: [],
    figures: [],
    papers: [],
    code: [],
    experiment: null,
    try: null,
    challenge: null,
    next_bottleneck: '',
    prerequisites: [],
    start: recipes.length === 0,
    recipes: recipes.map((ingredients) => ({ ingredients, why: `because ${id}` })),
  };
}

const content: Content = {
  fingerprint: 'f',
  start: ['a', 'b', 'c'],
  concepts: [
    concept('a'),
    concept('b'),
    concept('c'),
    concept('d', ['a', 'b'], ['b', 'c']),
    concept('e', ['a', 'c', 'd']),
  ],
  misconceptions: [{ pair: ['a', 'd'], tempting: 't', why_not: 'n', missing: 'm', see: 'e' }],
  modules: [],
  categories: [],
  paths: [],
};

function start(): State {
  const found = (id: string) => ({ id, at: 0, move: 0, from: [], points: 0, ways: [], mastery: 'new' as const });
  return {
    slot: 'main',
    moves: 0,
    discovered: content.start.map(found),
    score: 0,
    level: { number: 1, title: '', points: 0, next: null },
    streak: 0,
    chapters: [],
    challenges: [],
    quiz: null,
    due: [],
    hint: null,
    can_undo: false,
    makeable: 1,
    complete: false,
  };
}

describe('a combination played without the server', () => {
  const book = new Book(content);
  const after = (...combinations: string[][]) =>
    combinations.reduce((state, parts) => withEvents(state, [book.outcome(state, parts)], state.moves + 1, 9), start());

  test('discovers, in either order', () => {
    for (const parts of [
      ['a', 'b'],
      ['b', 'a'],
    ]) {
      expect(book.outcome(start(), parts)).toMatchObject({ type: 'discovered', id: 'd', why: 'because d' });
    }
    expect(after(['a', 'b']).discovered.at(-1)).toMatchObject({ id: 'd', from: ['a', 'b'], move: 1, at: 9 });
  });

  test('finds another way once, and knows it afterwards', () => {
    const state = after(['a', 'b']);
    expect(book.outcome(state, ['b', 'a'])).toMatchObject({ type: 'known', id: 'd' });
    expect(book.outcome(state, ['c', 'b'])).toMatchObject({ type: 'another_way', id: 'd' });
    expect(book.outcome(after(['a', 'b'], ['c', 'b']), ['b', 'c'])).toMatchObject({ type: 'known' });
  });

  test('tells misconceptions, what lacks a third, and what has one too many', () => {
    const state = after(['a', 'b']);
    expect(book.outcome(state, ['d', 'a'])).toMatchObject({ type: 'misconception', why_not: 'n' });
    expect(book.outcome(state, ['a', 'c'])).toMatchObject({ type: 'nothing', too_few: true });
    expect(book.outcome(state, ['a', 'b', 'c'])).toMatchObject({ type: 'nothing', too_many: true });
    expect(book.outcome(state, ['d', 'c', 'a'])).toMatchObject({ type: 'discovered', id: 'e' });
  });
});

describe('the board', () => {
  const piece = (key: number, x: number, y: number) => ({ key, id: 'a', x, y });

  test('combines with the nearest within reach and nothing beyond it', () => {
    const pieces = [piece(1, 0, 0), piece(2, 60, 0), piece(3, 1000, 0)];
    expect(nearest(pieces, 50, 0, 9)?.key).toBe(2);
    expect(nearest(pieces, 50, 0, 2)?.key).toBe(1);
    expect(nearest(pieces, 500, 0, 9)).toBeUndefined();
  });

  test('zooms around the place under the pointer, within limits', () => {
    const view = zoomed({ x: 10, y: 20, scale: 1 }, 1.5, 110, 220);
    const place = (one: { x: number; y: number; scale: number }) => [
      (110 - one.x) / one.scale,
      (220 - one.y) / one.scale,
    ];
    expect(place(view)).toEqual([100, 200]);
    expect(zoomed(view, 1e9, 0, 0).scale).toBe(2);
    expect(zoomed(view, 1e-9, 0, 0).scale).toBe(0.25);
  });

  test('arranges 500 pieces so that none covers another', () => {
    const many = Array.from({ length: 500 }, (_, i) => piece(i, 0, 0));
    const places = arranged(many, 2000);
    expect(new Set(places.map(({ x, y }) => `${x},${y}`)).size).toBe(500);
    const rows = places.map(({ y }) => y);
    expect(Math.min(...rows)).toBe(-Math.max(...rows)); // around the middle
  });

  test('finds room beside what is there', () => {
    const place = freePlace([piece(1, 0, 0)], 0, 0);
    expect(Math.abs(place.x) > 150 || Math.abs(place.y) > 48).toBe(true);
    expect(freePlace([], 3, 4)).toEqual({ x: 3, y: 4 });
  });

  test('is there again after a reload, without what cannot be read, and never holds more than its limit', () => {
    const storage = new MemoryStorage();
    const board = new Board('main', storage);
    for (let i = 0; i < mostPieces + 20; ++i) board.add('a', i, 0);
    board.move(board.pieces.get()[0]!.key, 7, 8);
    const again = new Board('main', storage);
    expect(again.pieces.get()).toEqual(board.pieces.get());
    expect(again.pieces.get()).toHaveLength(mostPieces);
    expect(again.add('b', 0, 0).key).toBeGreaterThan(Math.max(...board.pieces.get().map(({ key }) => key)));
    expect(new Board('other', storage).pieces.get()).toEqual([]);
    storage.setItem('speedwins.board.main', '[{"id":"a","key":1,"x":0,"y":null},7,{"id":"b","key":2,"x":1,"y":2}]');
    expect(new Board('main', storage).pieces.get()).toEqual([{ id: 'b', key: 2, x: 1, y: 2 }]);
  });
});

test('the map puts each discovery right of what it was made from', () => {
  const book = new Book(content);
  let state = start();
  for (const parts of [
    ['a', 'b'],
    ['a', 'c', 'd'],
  ]) {
    state = withEvents(state, [book.outcome(state, parts)], state.moves + 1, 0);
  }
  const { nodes, links } = layout(state.discovered);
  const x = Object.fromEntries(nodes.map((node) => [node.id, node.x]));
  expect(x['a']).toBe(x['c']);
  for (const { from, to } of links) expect(x[to]!).toBeGreaterThan(x[from]!);
  expect(links).toHaveLength(5);
  expect(new Set(nodes.map((node) => `${node.x},${node.y}`)).size).toBe(nodes.length);
});

describe('a game', () => {
  let isAway = false;
  let merged: unknown;
  let moves = 0;

  beforeEach(() => {
    [isAway, merged, moves] = [false, undefined, 0];
    localStorage.clear();
    vi.useFakeTimers();
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
      if (isAway) return Promise.reject(new TypeError('Failed to fetch'));
      const body = typeof init.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : {};
      const json = (value: unknown, status = 200) => Promise.resolve(new Response(JSON.stringify(value), { status }));
      if (path.includes('/session')) return json({ player: 'p', slots: [], sandbox: false });
      if (path.includes('/content')) return json(content);
      if (path.includes('/merge')) merged = body['moves'];
      if (path.includes('/merge') || path.includes('/state')) {
        const state = { ...start(), moves };
        return json(path.includes('/merge') ? { state, events: [], played: 1, skipped: 0 } : state);
      }
      if (body['move'] !== moves) return json({ error: { code: 'conflict', what: 'Another move came first.' } }, 409);
      moves += 1;
      const event = { type: 'discovered', id: 'd', from: ['a', 'b'], why: 'w', points: 10 };
      return json({ moves, repeated: false, events: [event], outcome: 'discovered' });
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  test('goes on while the server is away, and tells it when it is back', async () => {
    const session = new GameSession();
    await session.load();
    isAway = true;
    expect(await session.combine(['a', 'b'])).toMatchObject({ type: 'discovered', id: 'd' });
    expect(session.game.get()).toMatchObject({ isOffline: true });
    expect(session.game.get()?.known.has('d')).toBe(true);
    await vi.advanceTimersByTimeAsync(6000);
    expect(merged).toBeUndefined();
    isAway = false;
    await vi.advanceTimersByTimeAsync(6000);
    expect(merged).toMatchObject([{ type: 'combine', ingredients: ['a', 'b'] }]);
    expect(session.game.get()?.isOffline).toBe(false);
  });

  test('keeps moves that were made offline over a reload', async () => {
    const before = new GameSession();
    await before.load();
    isAway = true;
    await before.combine(['a', 'b']);
    isAway = false;
    await new GameSession().load();
    expect(merged).toMatchObject([{ type: 'combine', ingredients: ['a', 'b'] }]);
  });

  test('plays on when another window moved meanwhile', async () => {
    const session = new GameSession();
    await session.load();
    moves = 5;
    expect(await session.combine(['a', 'b'])).toMatchObject({ type: 'discovered' });
    expect(moves).toBe(6);
    expect(session.failure.get()).toBeNull();
  });
});
