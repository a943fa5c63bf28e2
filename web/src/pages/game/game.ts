import { ApiError, asFailure, type Failure } from '@/api/errors';
import { browserStorage, readJson } from '@/lib/storage';
import { Store } from '@/lib/store';
import * as api from './api';
import { Board } from './board';
import { Book, withEvents } from './offline';
import { play as playSound } from './sound';
import type { GameEvent, Hint, Id, OfflineMove, Played, Quiz, Speculation, State } from './types';

/** What the last move brought about, told once. */
export interface News {
  number: number;
  events: readonly GameEvent[];
}

/** A question to the sandbox's model, and its answer when it is there. */
export interface Imagined {
  ingredients: readonly Id[];
  made: Speculation | null;
}

export interface Game {
  book: Book;
  state: State;
  known: ReadonlySet<Id>;
  isOffline: boolean;
}

const pendingKey = 'speedwins.game.pending';
const slotKey = 'speedwins.game.slot';
const retryMs = 5000;

/**
 * The game as this page sees it. The server plays; while it is away, combinations are played here by the same recipes,
 * and told to it when it is back.
 */
export class GameSession {
  readonly game = new Store<Game | null>(null);
  readonly failure = new Store<Failure | null>(null);
  readonly news = new Store<News>({ number: 0, events: [] });
  readonly hint = new Store<Hint | null>(null);
  readonly quiz = new Store<Quiz | null>(null);
  /** The concept whose challenge is shown. */
  readonly challenge = new Store<Id | null>(null);
  /** Set while a prediction is asked for. */
  readonly choices = new Store<{ ingredients: Id[]; choices: { id: Id; name: string; emoji: string }[] } | null>(null);
  readonly imagined = new Store<Imagined | null>(null);
  /** Whether the server lets its model be asked. */
  hasSandbox = false;
  /** Whether its machine measures what challenges ask. */
  hasExperiments = false;
  readonly predictFirst = new Store(false);
  slot = browserStorage().getItem(slotKey) ?? 'main';
  board = new Board(this.slot);

  #pending: OfflineMove[] = this.#storedMoves();
  #retry: number | undefined;
  #answerPrediction: ((id: Id | null) => void) | null = null;

  async load(): Promise<void> {
    try {
      const { sandbox, experiments } = await api.fetchSession();
      [this.hasSandbox, this.hasExperiments] = [sandbox, experiments];
      const [content, state] = await Promise.all([api.fetchContent(), api.fetchState(this.slot)]);
      this.failure.set(null);
      this.#show(state, new Book(content), false);
      this.board.keep((id) => this.game.get()?.known.has(id) ?? false);
      if (this.#pending.length > 0) await this.#reconnect();
    } catch (thrown) {
      this.failure.set(asFailure(thrown));
    }
  }

  async openSlot(slot: string): Promise<void> {
    const game = this.game.get();
    if (!game || game.isOffline) return;
    this.slot = slot;
    browserStorage().setItem(slotKey, slot);
    this.board = new Board(slot);
    this.#show(await api.fetchState(slot), game.book, false);
    this.board.keep((id) => this.game.get()?.known.has(id) ?? false);
  }

  /** Puts concepts together and says what came of it; null when it could not be played. */
  async combine(ingredients: Id[]): Promise<GameEvent | null> {
    const game = this.game.get();
    if (!game) return null;
    this.imagined.set(null);
    const prediction = this.predictFirst.get() && !game.isOffline ? await this.#predict(ingredients) : undefined;
    const outcome = (events: readonly GameEvent[]) =>
      events.find(({ type }) => ['discovered', 'another_way', 'known', 'misconception', 'nothing'].includes(type)) ??
      null;
    if (game.isOffline) return outcome(this.#playHere(ingredients));
    try {
      return outcome(this.#take(await this.#playThere(ingredients, prediction)));
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (failure.kind === 'unreachable') return outcome(this.#playHere(ingredients));
      this.failure.set(failure);
      return null;
    }
  }

  answerPrediction(id: Id | null): void {
    this.#answerPrediction?.(id);
  }

  askHint = (target?: Id) =>
    this.#act(async () => {
      const played = await api.postHint(this.slot, target);
      this.hint.set(played.hint ?? null);
      return played;
    });

  startQuiz = (scope: string) =>
    this.#act(async () => {
      const played = await api.postQuiz(this.slot, scope);
      this.quiz.set(played.quiz ?? null);
      return played;
    });

  /** Asks the server's model what a combination that yields nothing could become. */
  async imagine(ingredients: Id[]): Promise<void> {
    const asked: Imagined = { ingredients, made: null };
    this.imagined.set(asked);
    const isWanted = () => this.imagined.get() === asked;
    try {
      const made = await api.postSpeculate(this.slot, ingredients);
      if (isWanted()) this.imagined.set({ ingredients, made });
    } catch (thrown) {
      if (!isWanted()) return;
      this.imagined.set(null);
      this.failure.set(asFailure(thrown));
    }
  }

  /** The next question is shown by `quiz` when the reader has seen what was right. */
  answer = (choice: number) => this.#act(() => api.postAnswer(this.slot, choice));

  /** Has the server's machine measure; throws what keeps it from that. */
  async measure(concept: Id, prediction: number, signal: AbortSignal) {
    const events = this.#take(await api.postChallenge(this.slot, concept, prediction, signal));
    return events.find((event) => event.type === 'measured') ?? null;
  }

  undo = () => this.#act(() => api.postUndo(this.slot), true);

  async reset(): Promise<void> {
    await this.#replace(async () => (await api.postReset(this.slot)).state);
  }

  async replaceBy(what: { save: unknown } | { code: string }): Promise<void> {
    await this.#replace(async () => (await api.postLoad(this.slot, what)).state);
  }

  async #replace(get: () => Promise<State>): Promise<void> {
    const game = this.game.get();
    if (!game) return;
    try {
      this.#show(await get(), game.book, false);
      this.board.keep((id) => this.game.get()?.known.has(id) ?? false);
    } catch (thrown) {
      this.failure.set(asFailure(thrown));
    }
  }

  async #predict(ingredients: Id[]): Promise<Id | undefined> {
    try {
      const { choices } = await api.postPredict(this.slot, ingredients);
      this.choices.set({ ingredients, choices });
      const chosen = await new Promise<Id | null>((resolve) => (this.#answerPrediction = resolve));
      return chosen ?? undefined;
    } catch {
      return undefined; // playing matters more than predicting
    } finally {
      this.#answerPrediction = null;
      this.choices.set(null);
    }
  }

  async #playThere(ingredients: Id[], prediction: Id | undefined): Promise<Played> {
    const moves = () => this.game.get()?.state.moves ?? 0;
    try {
      return await api.postCombine(this.slot, moves(), ingredients, prediction);
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || thrown.failure.status !== 409) throw thrown;
      await this.#refresh(); // another window of this player moved meanwhile
      return await api.postCombine(this.slot, moves(), ingredients, prediction);
    }
  }

  #playHere(ingredients: Id[]): readonly GameEvent[] {
    const game = this.game.get();
    if (!game) return [];
    const at = Math.floor(Date.now() / 1000);
    const events = [game.book.outcome(game.state, ingredients)];
    this.#pending = [...this.#pending, { type: 'combine', ingredients, at }];
    this.#storeMoves();
    this.#show(withEvents(game.state, events, game.state.moves + 1, at), game.book, true);
    this.#tell(events);
    this.#retry ??= window.setTimeout(() => void this.#reconnect(), retryMs);
    return events;
  }

  async #reconnect(): Promise<void> {
    this.#retry = undefined;
    const game = this.game.get();
    if (!game || this.#pending.length === 0) return;
    try {
      const { state } = await api.postMerge(this.slot, this.#pending);
      this.#pending = [];
      this.#storeMoves();
      this.#show(state, game.book, false);
    } catch (thrown) {
      if (asFailure(thrown).kind === 'unreachable')
        this.#retry = window.setTimeout(() => void this.#reconnect(), retryMs);
      else this.failure.set(asFailure(thrown));
    }
  }

  async #refresh(): Promise<void> {
    const game = this.game.get();
    if (game) this.#show(await api.fetchState(this.slot), game.book, false);
  }

  async #act(run: () => Promise<Played>, isUndo = false): Promise<readonly GameEvent[]> {
    try {
      const events = this.#take(await run());
      if (isUndo) await this.#refresh();
      return events;
    } catch (thrown) {
      const failure = asFailure(thrown);
      const isAway = failure.kind === 'unreachable';
      this.failure.set(isAway ? { ...failure, message: 'This needs the server, which does not answer.' } : failure);
      return [];
    }
  }

  #take(played: Played): readonly GameEvent[] {
    const game = this.game.get();
    if (!game) return [];
    this.failure.set(null);
    this.#show(withEvents(game.state, played.events, played.moves, Math.floor(Date.now() / 1000)), game.book, false);
    this.#tell(played.events);
    if (played.events.some(({ type }) => type === 'discovered')) this.hint.set(null);
    void this.#refresh().catch(() => undefined); // points, levels and chapters as the server counts them
    return played.events;
  }

  #tell(events: readonly GameEvent[]): void {
    this.news.set({ number: this.news.get().number + 1, events });
    playSound(events);
  }

  #show(state: State, book: Book, isOffline: boolean): void {
    this.game.set({ book, state, known: new Set(state.discovered.map(({ id }) => id)), isOffline });
  }

  #storedMoves(): OfflineMove[] {
    const stored = readJson(browserStorage(), pendingKey);
    return Array.isArray(stored) ? (stored as OfflineMove[]) : [];
  }

  #storeMoves(): void {
    try {
      browserStorage().setItem(pendingKey, JSON.stringify(this.#pending));
    } catch {
      // No room: the moves are kept as long as the page is open.
    }
  }
}

export const session = new GameSession();
