import { describe, expect, test } from 'vitest';
import { MemoryStorage } from '@/lib/storage';
import { newId, titleOf, toMarkdown, type Conversation } from '@/pages/chat/conversation';
import { History, search } from '@/pages/chat/history';

function conversation(id: string, updatedAt: number, ...texts: string[]): Conversation {
  const messages = texts.map((content, i) => ({
    id: `${id}-${i}`,
    role: i % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content,
  }));
  return { id, title: titleOf(texts[0] ?? ''), createdAt: 0, updatedAt, messages };
}

class FullStorage extends MemoryStorage {
  override setItem(): void {
    throw new DOMException('quota', 'QuotaExceededError');
  }
}

const ids = (list: readonly Conversation[]) => list.map(({ id }) => id);

describe('history', () => {
  test('is there again after a reload, newest first', () => {
    const storage = new MemoryStorage();
    const before = new History(storage);
    before.put(conversation('old', 1, 'What is a KV cache?', 'Memory of keys and values.'), true);
    before.put(conversation('new', 2, 'And MQA?'), true);
    const after = new History(storage);
    expect(ids(after.list.get())).toEqual(['new', 'old']);
    expect(after.list.get()).toEqual(before.list.get());
  });

  test('shows what is not kept yet, and forgets it on reload', () => {
    const storage = new MemoryStorage();
    const history = new History(storage);
    history.put(conversation('a', 1, 'draft'), false);
    expect(ids(history.list.get())).toEqual(['a']);
    expect(new History(storage).list.get()).toEqual([]);
  });

  test('survives items that are torn, of another form, or somebody else’s', () => {
    const storage = new MemoryStorage();
    new History(storage).put(conversation('good', 1, 'Hello'), true);
    storage.setItem('speedwins.chat.torn', '{"id":"torn","messa');
    storage.setItem('speedwins.chat.odd', '{"id":7,"title":"x","messages":[]}');
    storage.setItem(
      'speedwins.chat.list',
      '{"id":"l","title":"t","createdAt":1,"updatedAt":1,"messages":[{"role":"user"}]}',
    );
    storage.setItem('other', '{}');
    expect(ids(new History(storage).list.get())).toEqual(['good']);
  });

  test('ends an answer that its page was closed on', () => {
    const storage = new MemoryStorage();
    const open = conversation('a', 1, 'Hello', 'Hel');
    open.messages[1] = { ...open.messages[1]!, state: 'streaming' };
    new History(storage).put(open, true);
    expect(new History(storage).get('a')?.messages[1]).toMatchObject({ content: 'Hel', state: 'stopped' });
  });

  test('says when the browser has no room, keeps showing, and is well again after a deletion', () => {
    const history = new History(new FullStorage());
    history.put(conversation('a', 1, 'Hello'), true);
    expect(history.isFull.get()).toBe(true);
    expect(ids(history.list.get())).toEqual(['a']);
    history.remove('a');
    expect(history.isFull.get()).toBe(false);
  });

  test('deletes one or all, on disk too, and nothing of others', () => {
    const storage = new MemoryStorage();
    storage.setItem('other', 'x');
    const history = new History(storage);
    for (const id of ['a', 'b', 'c']) history.put(conversation(id, 1, id), true);
    history.remove('b');
    expect(ids(new History(storage).list.get()).sort()).toEqual(['a', 'c']);
    history.clear();
    expect(new History(storage).list.get()).toEqual([]);
    expect(storage.getItem('other')).toBe('x');
  });

  test('takes over what another tab wrote', () => {
    const storage = new MemoryStorage();
    const [here, there] = [new History(storage), new History(storage)];
    there.put(conversation('a', 1, 'Hello'), true);
    here.reload('unrelated');
    expect(here.list.get()).toEqual([]);
    here.reload('speedwins.chat.a');
    expect(ids(here.list.get())).toEqual(['a']);
  });

  test('finds chats that have every word, in any case and place', () => {
    const list = [
      conversation('a', 1, 'KV cache', 'keys and values'),
      conversation('b', 2, 'Quantization', 'fewer bits'),
    ];
    expect(ids(search(list, 'VALUES kv'))).toEqual(['a']);
    expect(ids(search(list, 'kv bits'))).toEqual([]);
    expect(ids(search(list, '  '))).toEqual(['a', 'b']);
  });

  test('is exported whole', () => {
    const history = new History(new MemoryStorage());
    history.put(conversation('a', 1, 'Hello', 'Hi'), true);
    expect(JSON.parse(history.exportAll())).toMatchObject({
      format: 'speedwins-chats',
      conversations: [{ id: 'a', messages: [{ content: 'Hello' }, { content: 'Hi' }] }],
    });
  });
});

describe('a conversation', () => {
  test('is titled by the first line of its question, cut at a word', () => {
    expect(titleOf('  What is GQA?\nPlease')).toBe('What is GQA?');
    expect(titleOf('')).toBe('New chat');
    const title = titleOf('Why does speculative decoding not change what the model says, ever?');
    expect(title).toBe('Why does speculative decoding not change what the model…');
  });

  test('becomes Markdown', () => {
    expect(toMarkdown(conversation('a', 1, 'Hello', 'Hi'))).toBe('# Hello\n\n## You\n\nHello\n\n## Assistant\n\nHi\n');
  });

  test('has an id of its own', () => {
    expect(new Set(Array.from({ length: 1000 }, newId)).size).toBe(1000);
    expect(newId()).toMatch(/^[\w-]{12}$/);
  });
});
