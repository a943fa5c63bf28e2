import { browserStorage, readJson } from '@/lib/storage';
import { Store } from '@/lib/store';
import type { Id } from './types';

/** A concept on the board; the place is its middle, in units of the board. */
export interface Piece {
  key: number;
  id: Id;
  x: number;
  y: number;
}

/** What part of the board is seen: screen = place · scale + offset. */
export interface View {
  x: number;
  y: number;
  scale: number;
}

export const mostPieces = 500;
export const reach = 70;
const smallest = 0.25;
const largest = 2;

/** The piece that one dropped at (x, y) would be combined with: the nearest within reach. */
export function nearest(pieces: readonly Piece[], x: number, y: number, except: number): Piece | undefined {
  let best: Piece | undefined;
  let bestDistance = reach * reach;
  for (const piece of pieces) {
    // Pieces are wider than high: they touch at a greater distance sideways.
    const distance = ((piece.x - x) / 1.5) ** 2 + (piece.y - y) ** 2;
    if (piece.key !== except && distance < bestDistance) {
      bestDistance = distance;
      best = piece;
    }
  }
  return best;
}

/** Rows of pieces around the middle, in the order of the list. */
export function arranged(pieces: readonly Piece[], width: number): Piece[] {
  const cell = { width: 210, height: 60 };
  const columns = Math.max(1, Math.min(Math.floor(width / cell.width), Math.ceil(Math.sqrt(pieces.length * 1.5))));
  const rows = Math.ceil(pieces.length / columns);
  return pieces.map((piece, i) => ({
    ...piece,
    x: ((i % columns) - (columns - 1) / 2) * cell.width,
    y: (Math.floor(i / columns) - (rows - 1) / 2) * cell.height,
  }));
}

/** The view after zooming by `factor` with the place under (x, y) on the screen kept where it is. */
export function zoomed(view: View, factor: number, x: number, y: number): View {
  const scale = Math.min(largest, Math.max(smallest, view.scale * factor));
  const change = scale / view.scale;
  return { scale, x: x - (x - view.x) * change, y: y - (y - view.y) * change };
}

/** A free place near (x, y), going round it in growing circles. */
export function freePlace(pieces: readonly Piece[], x: number, y: number): { x: number; y: number } {
  for (let step = 0; step < 200; ++step) {
    const angle = 2.4 * step; // the golden angle: no two steps lie on one line
    const distance = 46 * Math.sqrt(step);
    const place = { x: x + 1.6 * distance * Math.cos(angle), y: y + distance * Math.sin(angle) };
    const isFree = pieces.every((piece) => Math.abs(piece.x - place.x) > 150 || Math.abs(piece.y - place.y) > 48);
    if (isFree) return place;
  }
  return { x, y };
}

function isPiece(value: unknown): value is Piece {
  const piece = value as Piece | null;
  return typeof piece?.id === 'string' && [piece.key, piece.x, piece.y].every(Number.isFinite);
}

/** The pieces of a saved game, kept in this browser. */
export class Board {
  readonly pieces: Store<readonly Piece[]>;
  #nextKey: number;

  constructor(
    slot: string,
    private storage: Storage = browserStorage(),
  ) {
    const name = `speedwins.board.${slot}`;
    const stored = readJson(storage, name);
    const pieces = Array.isArray(stored) ? stored.filter(isPiece).slice(0, mostPieces) : [];
    this.#nextKey = 1 + pieces.reduce((highest, { key }) => Math.max(highest, key), 0);
    this.pieces = new Store<readonly Piece[]>(pieces);
    this.pieces.subscribe(() => {
      try {
        this.storage.setItem(name, JSON.stringify(this.pieces.get()));
      } catch {
        // No room: the board holds until the page closes. What was discovered is on the server.
      }
    });
  }

  add(id: Id, x: number, y: number): Piece {
    const piece = { key: this.#nextKey++, id, x, y };
    this.pieces.set([...this.pieces.get(), piece].slice(-mostPieces));
    return piece;
  }

  /** Puts a piece where there is room around (x, y). */
  addNear(id: Id, x: number, y: number): Piece {
    const place = freePlace(this.pieces.get(), x, y);
    return this.add(id, place.x, place.y);
  }

  /** Moves a piece, and lays it on top. */
  move(key: number, x: number, y: number): void {
    const piece = this.pieces.get().find((one) => one.key === key);
    if (piece) this.pieces.set([...this.pieces.get().filter((one) => one !== piece), { ...piece, x, y }]);
  }

  remove(...keys: number[]): void {
    this.pieces.set(this.pieces.get().filter(({ key }) => !keys.includes(key)));
  }

  keep(isKept: (id: Id) => boolean): void {
    const kept = this.pieces.get().filter(({ id }) => isKept(id));
    if (kept.length !== this.pieces.get().length) this.pieces.set(kept);
  }

  arrange(width: number): void {
    this.pieces.set(arranged(this.pieces.get(), width));
  }

  clear(): void {
    this.pieces.set([]);
  }
}
