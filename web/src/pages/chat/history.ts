import { readJson } from '@/lib/storage';
import { Store } from '@/lib/store';
import { asConversation, type Conversation } from './conversation';

const prefix = 'speedwins.chat.';

/**
 * The conversations of this browser, newest first. Each is one item of the storage, so that one that cannot be read
 * costs no other, and tabs that write different ones do not overwrite each other.
 */
export class History {
  readonly list: Store<readonly Conversation[]>;
  /** Set while the browser refuses to keep more. */
  readonly isFull = new Store(false);

  constructor(private storage: Storage) {
    this.list = new Store<readonly Conversation[]>(this.#readAll());
  }

  get(id: string): Conversation | undefined {
    return this.list.get().find((conversation) => conversation.id === id);
  }

  /** Shows `conversation` at once; `keep` also writes it down. */
  put(conversation: Conversation, keep: boolean): void {
    const others = this.list.get().filter(({ id }) => id !== conversation.id);
    this.list.set([conversation, ...others].sort(newestFirst));
    if (keep) this.#write(conversation);
  }

  remove(id: string): void {
    this.storage.removeItem(prefix + id);
    this.isFull.set(false);
    this.list.set(this.list.get().filter((conversation) => conversation.id !== id));
  }

  clear(): void {
    for (const { id } of this.list.get()) this.storage.removeItem(prefix + id);
    this.isFull.set(false);
    this.list.set([]);
  }

  /** Takes over what another tab wrote. */
  reload(key: string | null): void {
    if (key === null || key.startsWith(prefix)) this.list.set(this.#readAll());
  }

  exportAll(): string {
    return JSON.stringify({ format: 'speedwins-chats', version: 1, conversations: this.list.get() }, null, 2);
  }

  #write(conversation: Conversation): void {
    try {
      this.storage.setItem(prefix + conversation.id, JSON.stringify(conversation));
      this.isFull.set(false);
    } catch {
      this.isFull.set(true); // the quota: what is on the page stays there until the reader has made room
    }
  }

  #readAll(): Conversation[] {
    const keys = Array.from({ length: this.storage.length }, (_, i) => this.storage.key(i));
    return keys
      .filter((key): key is string => key?.startsWith(prefix) ?? false)
      .flatMap((key) => asConversation(readJson(this.storage, key)) ?? [])
      .map(endInterrupted)
      .sort(newestFirst);
  }
}

const newestFirst = (a: Conversation, b: Conversation) => b.updatedAt - a.updatedAt;

/** An answer that was being written when its page was closed ends where it was. */
function endInterrupted(conversation: Conversation): Conversation {
  const messages = conversation.messages.map((message) =>
    message.state === 'streaming' ? { ...message, state: 'stopped' as const } : message,
  );
  return { ...conversation, messages };
}

/** Conversations that have every word of the query in their title or text. */
export function search(conversations: readonly Conversation[], query: string): readonly Conversation[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return conversations;
  return conversations.filter(({ title, messages }) => {
    const text = [title, ...messages.map(({ content }) => content)].join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
