import type { Timings } from '@/api/chat';
import type { Failure } from '@/api/errors';

export interface Message {
  id: string;
  role: 'user' | 'assistant';
  content: string;
  /** Of answers. `stopped`: by the reader, or because the page was closed while it was written. */
  state?: 'streaming' | 'done' | 'stopped' | 'failed';
  failure?: Failure;
  /** The model's context or the token limit ended it. */
  cutOff?: boolean;
  model?: string;
  timings?: Timings;
}

export interface Conversation {
  id: string;
  title: string;
  createdAt: number;
  updatedAt: number;
  messages: Message[];
}

export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

/** The first line of the first question, cut at a word. */
export function titleOf(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  if (line.length <= 60) return line || 'New chat';
  const cut = line.slice(0, 60);
  const space = cut.lastIndexOf(' ');
  return `${space > 30 ? cut.slice(0, space) : cut}…`;
}

export function toMarkdown(conversation: Conversation): string {
  const turns = conversation.messages.map(
    ({ role, content, model }) => `## ${role === 'user' ? 'You' : (model ?? 'Assistant')}\n\n${content}\n`,
  );
  return `# ${conversation.title}\n\n${turns.join('\n')}`;
}

/** What was read from storage or a file, when it is a conversation. */
export function asConversation(value: unknown): Conversation | null {
  if (typeof value !== 'object' || value === null) return null;
  const { id, title, createdAt, updatedAt, messages } = value as Record<string, unknown>;
  if (typeof id !== 'string' || typeof title !== 'string' || !Array.isArray(messages)) return null;
  if (typeof createdAt !== 'number' || typeof updatedAt !== 'number') return null;
  if (!messages.every(isMessage)) return null;
  return { id, title, createdAt, updatedAt, messages };
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null) return false;
  const { id, role, content } = value as Record<string, unknown>;
  return typeof id === 'string' && typeof content === 'string' && (role === 'user' || role === 'assistant');
}
