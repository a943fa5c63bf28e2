import type { Found, Id } from './types';

export interface Node {
  id: Id;
  x: number;
  y: number;
}

export interface Link {
  from: Id;
  to: Id;
}

const column = 190;
const row = 46;

/**
 * Discoveries in columns: each stands one to the right of the last of what it was made from, and near the middle of
 * what it was made from.
 */
export function layout(discovered: readonly Found[]): { nodes: Node[]; links: Link[] } {
  const depths = new Map<Id, number>();
  const links: Link[] = [];
  const columns: Id[][] = [];
  for (const { id, from } of discovered) {
    const parts = from.filter((part) => depths.has(part));
    const depth = parts.length === 0 ? 0 : 1 + Math.max(...parts.map((part) => depths.get(part) ?? 0));
    depths.set(id, depth);
    (columns[depth] ??= []).push(id);
    for (const part of parts) links.push({ from: part, to: id });
  }
  const places = new Map<Id, Node>();
  const parents = new Map<Id, Id[]>();
  for (const { from, to } of links) parents.set(to, [...(parents.get(to) ?? []), from]);
  for (const [depth, ids] of columns.entries()) {
    const wish = (id: Id) => {
      const ys = (parents.get(id) ?? []).map((parent) => places.get(parent)?.y ?? 0);
      return ys.length === 0 ? 0 : ys.reduce((sum, y) => sum + y, 0) / ys.length;
    };
    const sorted = [...ids].sort((a, b) => wish(a) - wish(b));
    for (const [i, id] of sorted.entries())
      places.set(id, { id, x: depth * column, y: (i - (ids.length - 1) / 2) * row });
  }
  return { nodes: [...places.values()], links };
}
