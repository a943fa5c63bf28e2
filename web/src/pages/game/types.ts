/** The shapes of docs/game-api.md, as far as the page reads them. */

export type Id = string;

export interface Recipe {
  ingredients: Id[];
  why: string;
}

/** A question that a machine answers, after the player. */
export interface Challenge {
  question: string;
  /** Empty: a number is asked for. */
  choices: string[];
  unit: string;
  /** About how long it takes. */
  seconds: number;
  because: string;
  commands: string[];
}

export interface Concept {
  id: Id;
  name: string;
  emoji: string;
  category: Id;
  difficulty: number;
  module: number;
  aliases: string[];
  what: string;
  why: string;
  cost: string;
  when_not: string;
  failure_modes: string[];
  figures: { value: string; source: string }[];
  complexity: string;
  papers: { title: string; year: number; arxiv: string | null }[];
  code: string[];
  experiment: string | null;
  /** A command of the program that shows it. */
  try: string | null;
  challenge: Challenge | null;
  improves: string;
  costs: string;
  generalizes: string;
  next_bottleneck: string;
  prerequisites: Id[];
  start: boolean;
  recipes: Recipe[];
}

export interface Misconception {
  pair: Id[];
  tempting: string;
  why_not: string;
  missing: string;
  see: Id;
}

export interface LearningPath {
  id: Id;
  name: string;
  emoji: string;
  goal: string;
  modules: string[];
  chapters: { title: string; concepts: Id[] }[];
}

export interface PathProgress extends LearningPath {
  found: number;
  total: number;
  passed: number;
  next: Id | null;
  chapters: { title: string; concepts: Id[]; found: number; total: number; check: Check; best: number }[];
}

export interface Content {
  fingerprint: string;
  start: Id[];
  concepts: Concept[];
  misconceptions: Misconception[];
  modules: { id: number; title: string; goal: string }[];
  categories: { id: Id; name: string; emoji: string; what: string }[];
  paths: LearningPath[];
}

/** What a model made up about a combination that yields nothing. */
export interface Speculation {
  name: string;
  text: string;
  model: string;
}

export type Check = 'locked' | 'open' | 'passed';
export type Mastery = 'new' | 'learning' | 'known' | 'mastered';

export interface Found {
  id: Id;
  at: number;
  move: number;
  from: Id[];
  points: number;
  ways: Id[][];
  mastery: Mastery;
}

export interface Level {
  number: number;
  title: string;
  points: number;
  next: number | null;
}

export interface Hint {
  concept: Id | null;
  step: number;
  of: number;
  text: string;
  ingredients: Id[];
  ingredient_count: number;
  cost: number;
  next_cost: number;
}

export interface Quiz {
  scope: string;
  index: number;
  of: number;
  right: number;
  question: { kind: string; text: string; concept: Id; choices: string[] };
}

export interface State {
  slot: string;
  moves: number;
  discovered: Found[];
  score: number;
  level: Level;
  streak: number;
  chapters: { module: number; title: string; goal: string; found: number; total: number; check: Check; best: number }[];
  challenges: { concept: Id; right: boolean; text: string; at: number }[];
  quiz: Quiz | null;
  due: Id[];
  hint: Hint | null;
  can_undo: boolean;
  makeable: number;
  complete: boolean;
}

export type GameEvent =
  | { type: 'discovered' | 'another_way'; id: Id; from: Id[]; why: string; points: number }
  | { type: 'known'; id: Id; from: Id[] }
  | ({ type: 'misconception'; points: number } & Misconception)
  | { type: 'nothing'; from: Id[]; open: Record<Id, number>; too_many: boolean; too_few: boolean }
  | { type: 'prediction'; right: boolean; id: Id; streak: number; points: number }
  | ({ type: 'hint' } & Hint)
  | { type: 'quiz_started'; scope: string; questions: number }
  | { type: 'answered'; right: boolean; choice: number; correct: number; concept: Id; text: string }
  | { type: 'quiz_finished'; scope: string; right: number; of: number; passed: boolean; points: number }
  | {
      type: 'measured';
      concept: Id;
      right: boolean;
      text: string;
      band: number | null;
      because: string;
      points: number;
    }
  | { type: 'chapter_complete'; module: number }
  | { type: 'level_up'; number: number; title: string }
  | { type: 'achievement'; id: Id; name: string; emoji: string; what: string }
  | { type: 'undone'; id: Id | null }
  | { type: 'complete' };

export interface Played {
  moves: number;
  events: GameEvent[];
  hint?: Hint;
  quiz?: Quiz | null;
}

/** A move made without the server, to be played there later. */
export interface OfflineMove {
  type: 'combine';
  ingredients: Id[];
  at: number;
}

export interface Slot {
  slot: string;
  moves: number;
  discovered: number;
  score: number;
  saved_at: number;
}

export interface Statistics {
  found: number;
  total: number;
  by_category: { id: Id; name: string; found: number; total: number }[];
  by_difficulty: { id?: number; difficulty?: number; found: number; total: number }[];
  attempts: number;
  success_rate: number;
  misconceptions: number;
  total_misconceptions: number;
  ways: number;
  total_ways: number;
  predictions: { right: number; wrong: number };
  best_streak: number;
  hints: number;
  quizzes: { taken: number; passed: number };
  answers: { right: number; of: number };
  challenges: { right: number; of: number };
  mastery: Record<Mastery, number>;
  active_seconds: number;
  timeline: { at: number; move: number; id: Id; found: number; points: number }[];
}

export interface AchievementProgress {
  id: Id;
  name: string;
  emoji: string;
  what: string;
  now: number;
  of: number;
  at: number | null;
}
