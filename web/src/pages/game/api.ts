import { getJson, postJson } from '@/api/http';
import type {
  Content,
  Id,
  OfflineMove,
  PathProgress,
  Played,
  Slot,
  Speculation,
  State,
  Statistics,
  AchievementProgress,
} from './types';

const root = '/api/game';

async function post<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
  const response = await postJson(root + path, body, signal);
  return (await response.json()) as T;
}

const query = (slot: string) => `?slot=${encodeURIComponent(slot)}`;

export const fetchSession = () =>
  getJson<{ player: string; slots: Slot[]; sandbox: boolean; experiments: boolean }>(`${root}/session`);
export const fetchContent = () => getJson<Content>(`${root}/content`);
export const fetchState = (slot: string) => getJson<State>(`${root}/state${query(slot)}`);
export const fetchPaths = (slot: string) => getJson<{ paths: PathProgress[] }>(`${root}/paths${query(slot)}`);
export const fetchStatistics = (slot: string) => getJson<Statistics>(`${root}/statistics${query(slot)}`);
export const fetchAchievements = (slot: string) =>
  getJson<{ achievements: AchievementProgress[] }>(`${root}/achievements${query(slot)}`);
export const fetchExport = (slot: string) => getJson<object>(`${root}/export${query(slot)}`);
export const fetchShareCode = (slot: string) => getJson<{ code: string }>(`${root}/share${query(slot)}`);
export const fetchDocuments = () =>
  getJson<{ documents: { id: Id; title: string; bytes: number }[] }>(`${root}/documents`);
export const fetchDocument = (id: Id) =>
  getJson<{ id: Id; title: string; markdown: string }>(`${root}/documents/${encodeURIComponent(id)}`);

export const postCombine = (slot: string, move: number, ingredients: Id[], prediction?: Id) =>
  post<Played>('/combine', { slot, move, ingredients, ...(prediction ? { prediction } : {}) });
export const postPredict = (slot: string, ingredients: Id[]) =>
  post<{ choices: { id: Id; name: string; emoji: string }[] }>('/predict', { slot, ingredients });
export const postSpeculate = (slot: string, ingredients: Id[]) =>
  post<Speculation>('/speculate', { slot, ingredients });
export const postHint = (slot: string, target?: Id) => post<Played>('/hint', { slot, ...(target ? { target } : {}) });
export const postQuiz = (slot: string, scope: string) => post<Played>('/quiz', { slot, scope });
export const postAnswer = (slot: string, choice: number) => post<Played>('/quiz/answer', { slot, choice });
export const postChallenge = (slot: string, concept: Id, prediction: number, signal: AbortSignal) =>
  post<Played>('/challenge', { slot, concept, prediction }, signal);
export const postUndo = (slot: string) => post<Played>('/undo', { slot });
export const postMerge = (slot: string, moves: OfflineMove[]) => post<{ state: State }>('/merge', { slot, moves });
export const postReset = (slot: string) => post<{ state: State }>('/reset', { slot });
export const postSave = (slot: string, as: string) => post<{ slots: Slot[] }>('/save', { slot, as });
export const postDelete = (slot: string) => post<{ slots: Slot[] }>('/delete', { slot });
export const postLoad = (slot: string, what: { save: unknown } | { code: string }) =>
  post<{ state: State; notes?: string[] }>('/load', { slot, ...what });
