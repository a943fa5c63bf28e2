import * as api from './api';
import type { Id } from './types';

const texts = new Map<Id, Promise<string>>();

/** A document's Markdown, asked for once. */
export function documentText(id: Id): Promise<string> {
  let text = texts.get(id);
  if (!text) {
    text = api.fetchDocument(id).then(({ markdown }) => markdown);
    text.catch(() => texts.delete(id)); // asked for again the next time
    texts.set(id, text);
  }
  return text;
}

const around = 60;

/** A line of the first paragraph that has all of `words`; null when there is none. */
export function excerpt(text: string, words: readonly string[]): string | null {
  for (const paragraph of text.split(/\n\s*\n/)) {
    const line = paragraph.replace(/\s+/g, ' ').trim();
    const lower = line.toLowerCase();
    if (!words.every((word) => lower.includes(word))) continue;
    const at = lower.indexOf(words[0] ?? '');
    const begin = Math.max(0, at - around);
    const end = Math.min(line.length, at + 2 * around);
    return `${begin > 0 ? '…' : ''}${line.slice(begin, end)}${end < line.length ? '…' : ''}`;
  }
  return null;
}
