import type { Concept, Content, Found, GameEvent, Id, State } from './types';

/** Concepts and recipes by what one looks them up with. */
export class Book {
  readonly concepts: ReadonlyMap<Id, Concept>;
  readonly #results = new Map<string, { id: Id; why: string }>();
  readonly #misconceptions = new Map<string, Content['misconceptions'][number]>();
  /** Recipes that a concept is part of, by the concept. */
  readonly uses = new Map<Id, { result: Id; ingredients: Id[]; why: string }[]>();

  constructor(readonly content: Content) {
    this.concepts = new Map(content.concepts.map((concept) => [concept.id, concept]));
    for (const { id, recipes } of content.concepts) {
      for (const { ingredients, why } of recipes) {
        this.#results.set(key(ingredients), { id, why });
        for (const part of ingredients) {
          this.uses.set(part, [...(this.uses.get(part) ?? []), { result: id, ingredients, why }]);
        }
      }
    }
    for (const one of content.misconceptions) this.#misconceptions.set(key(one.pair), one);
  }

  name(id: Id): string {
    return this.concepts.get(id)?.name ?? id;
  }

  /** What the rules of the server say of a combination, without its points, which it gives when it hears of it. */
  outcome(state: State, ingredients: Id[]): GameEvent {
    const result = this.#results.get(key(ingredients));
    const known = new Map(state.discovered.map((found) => [found.id, found]));
    if (result) {
      const found = known.get(result.id);
      const isNewWay = found && !found.ways.some((way) => key(way) === key(ingredients));
      if (found && !isNewWay) return { type: 'known', id: result.id, from: ingredients };
      const type = found ? 'another_way' : 'discovered';
      return { type, id: result.id, from: ingredients, why: result.why, points: 0 };
    }
    const misconception = this.#misconceptions.get(key(ingredients));
    if (misconception) return { type: 'misconception', points: 0, ...misconception };
    const within = (larger: Id[]) => ingredients.every((id) => larger.includes(id));
    const uses = this.uses.get(ingredients[0] ?? '') ?? [];
    return {
      type: 'nothing',
      from: ingredients,
      open: {},
      too_many: ingredients.length === 3 && pairsOf(ingredients).some((pair) => this.#results.has(key(pair))),
      too_few: ingredients.length === 2 && uses.some((use) => use.ingredients.length === 3 && within(use.ingredients)),
    };
  }
}

const key = (ids: readonly Id[]) => [...ids].sort().join('+');

const pairsOf = (ids: Id[]) => ids.map((_, i) => ids.filter((__, j) => j !== i));

/** The state after what a combination brought about. */
export function withEvents(state: State, events: readonly GameEvent[], moves: number, at: number): State {
  let discovered = state.discovered;
  for (const event of events) {
    if (event.type === 'discovered') {
      const found: Found = {
        id: event.id,
        at,
        move: moves,
        from: event.from,
        points: event.points,
        ways: [event.from],
        mastery: 'new',
      };
      discovered = [...discovered, found];
    } else if (event.type === 'another_way') {
      discovered = discovered.map((found) =>
        found.id === event.id ? { ...found, ways: [...found.ways, event.from] } : found,
      );
    }
  }
  return { ...state, discovered, moves };
}
