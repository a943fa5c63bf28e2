import type { ChatRequest } from '@/api/chat';
import { browserStorage, readJson } from '@/lib/storage';
import { Store } from '@/lib/store';

export interface Settings {
  /** Empty: the server's first. */
  model: string;
  system: string;
  temperature: number;
  topP: number;
  topK: number;
  repetitionPenalty: number;
  /** 0: as long as the model likes. */
  maxTokens: number;
  /** Empty: another one for each answer. */
  seed: string;
}

export const defaults: Settings = {
  model: '',
  system: '',
  temperature: 0,
  topP: 1,
  topK: 0,
  repetitionPenalty: 1,
  maxTokens: 512,
  seed: '',
};

const key = 'speedwins.settings';

/** What was stored, field by field: one that is missing or of another type is the default. */
export function settingsFrom(stored: unknown): Settings {
  const fields = typeof stored === 'object' && stored !== null ? (stored as Record<string, unknown>) : {};
  const merged: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(defaults)) {
    if (typeof fields[name] === typeof value) merged[name] = fields[name];
  }
  return merged as unknown as Settings;
}

export const settings = new Store(settingsFrom(readJson(browserStorage(), key)));

settings.subscribe(() => {
  try {
    browserStorage().setItem(key, JSON.stringify(settings.get()));
  } catch {
    // No room: the settings hold for this page.
  }
});

/** The part of a request that the settings decide; what is off is left out. */
export function requestOptions(chosen: Settings): Omit<ChatRequest, 'model' | 'messages'> {
  const seed = Number.parseInt(chosen.seed, 10);
  return {
    temperature: chosen.temperature,
    ...(chosen.topP < 1 ? { top_p: chosen.topP } : {}),
    ...(chosen.topK > 0 ? { top_k: chosen.topK } : {}),
    ...(chosen.repetitionPenalty !== 1 ? { repetition_penalty: chosen.repetitionPenalty } : {}),
    ...(chosen.maxTokens > 0 ? { max_tokens: chosen.maxTokens } : {}),
    ...(Number.isSafeInteger(seed) && seed >= 0 ? { seed } : {}),
  };
}
