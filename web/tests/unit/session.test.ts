import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { ChatEvent, ChatRequest } from '@/api/chat';
import { ApiError } from '@/api/errors';
import { MemoryStorage } from '@/lib/storage';
import { History } from '@/pages/chat/history';
import { ChatSession } from '@/pages/chat/session';
import { defaults } from '@/pages/chat/settings';

/** A model whose words the test hands out one by one. */
class FakeModel {
  requests: ChatRequest[] = [];
  signals: AbortSignal[] = [];
  #waiting: ((event: ChatEvent | 'end' | Error) => void)[] = [];
  #queued: (ChatEvent | 'end' | Error)[] = [];

  stream = (request: ChatRequest, signal: AbortSignal) => this.#events(request, signal);

  async *#events(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatEvent> {
    this.requests.push(request);
    this.signals.push(signal);
    for (;;) {
      const event = await new Promise<ChatEvent | 'end' | Error>((resolve, reject) => {
        signal.addEventListener('abort', () => {
          this.#waiting = this.#waiting.filter((one) => one !== resolve);
          reject(new DOMException('aborted', 'AbortError'));
        });
        const next = this.#queued.shift();
        if (next) resolve(next);
        else this.#waiting.push(resolve);
      });
      if (event === 'end') return;
      if (event instanceof Error) throw event;
      yield event;
    }
  }

  say(...events: (string | 'end' | ChatEvent | Error)[]): Promise<void> {
    for (const event of events) {
      const real = typeof event === 'string' && event !== 'end' ? { type: 'text' as const, text: event } : event;
      const waiting = this.#waiting.shift();
      if (waiting) waiting(real as ChatEvent);
      else this.#queued.push(real as ChatEvent);
    }
    return new Promise((done) => setTimeout(done)); // everything in between is promises, which come first
  }
}

let model: FakeModel;
let storage: MemoryStorage;
let history: History;
let session: ChatSession;

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => {
    queueMicrotask(run);
    return 1;
  });
  vi.stubGlobal('cancelAnimationFrame', () => undefined);
  model = new FakeModel();
  storage = new MemoryStorage();
  history = new History(storage);
  session = new ChatSession(history, () => ({ ...defaults, model: 'demo', system: 'Be brief.' }), model.stream);
});

const texts = (id: string) => history.get(id)?.messages.map(({ role, content, state }) => [role, content, state]);

describe('a chat', () => {
  test('shows an answer as it is written, and keeps it', async () => {
    const id = session.send(null, 'Hello');
    await model.say('Hi', ' there');
    expect(texts(id)).toEqual([
      ['user', 'Hello', undefined],
      ['assistant', 'Hi there', 'streaming'],
    ]);
    await model.say('end');
    expect(new History(storage).get(id)?.messages[1]).toMatchObject({
      content: 'Hi there',
      state: 'done',
      model: 'demo',
    });
  });

  test('sends the model all that was said, with the instructions first', async () => {
    const id = session.send(null, 'One');
    await model.say('1', 'end');
    session.send(id, 'Two');
    expect(model.requests[1]?.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One' },
      { role: 'assistant', content: '1' },
      { role: 'user', content: 'Two' },
    ]);
  });

  test('stopped in mid-answer keeps what was written and closes the request', async () => {
    const id = session.send(null, 'Hello');
    await model.say('Hi');
    session.stop(id);
    await model.say();
    expect(texts(id)?.[1]).toEqual(['assistant', 'Hi', 'stopped']);
    expect(model.signals[0]?.aborted).toBe(true);
  });

  test('answers again in the place of the last answer', async () => {
    const id = session.send(null, 'Hello');
    await model.say('Hi', 'end');
    session.retry(id);
    await model.say('Good day', 'end');
    expect(texts(id)).toEqual([
      ['user', 'Hello', undefined],
      ['assistant', 'Good day', 'done'],
    ]);
    expect(model.requests[1]?.messages).toEqual(model.requests[0]?.messages);
  });

  test('edited at a question drops what followed, and the running answer with it', async () => {
    const id = session.send(null, 'One');
    await model.say('1', 'end');
    session.send(id, 'Two');
    await model.say('2');
    const first = history.get(id)?.messages[0]?.id ?? '';
    session.edit(id, first, 'Uno');
    await model.say('end');
    expect(model.signals[1]?.aborted).toBe(true);
    expect(texts(id)?.[0]).toEqual(['user', 'Uno', undefined]);
    expect(texts(id)).toHaveLength(2);
    expect(history.get(id)?.title).toBe('Uno');
  });

  test('keeps the failure beside what was already written', async () => {
    const id = session.send(null, 'Hello');
    await model.say('Hi', new ApiError({ kind: 'busy', message: 'Full.', retryAfterSeconds: 2 }));
    expect(history.get(id)?.messages[1]).toMatchObject({
      content: 'Hi',
      state: 'failed',
      failure: { kind: 'busy', retryAfterSeconds: 2 },
    });
  });

  test('says that the server is gone, unless it is the page that goes', async () => {
    const id = session.send(null, 'Hello');
    await model.say('Hi', new TypeError('network error'));
    expect(new History(storage).get(id)?.messages[1]).toMatchObject({ content: '', state: 'stopped' });
    await vi.waitFor(() => expect(texts(id)?.[1]).toEqual(['assistant', 'Hi', 'failed']));
    expect(history.get(id)?.messages[1]?.failure?.kind).toBe('unreachable');
  });

  test('deleted while it is answered stays deleted', async () => {
    const id = session.send(null, 'Hello');
    await model.say('Hi');
    session.remove(id);
    await model.say(' there', 'end');
    expect(history.get(id)).toBeUndefined();
    expect(new History(storage).list.get()).toEqual([]);
  });

  test('goes on where another one was stopped, unmixed', async () => {
    const first = session.send(null, 'First');
    await model.say('1');
    session.stop(first);
    const second = session.send(null, 'Second');
    await model.say('2', 'end');
    expect(texts(first)?.[1]).toEqual(['assistant', '1', 'stopped']);
    expect(texts(second)?.[1]).toEqual(['assistant', '2', 'done']);
  });

  test('writes down what it has when the page goes', async () => {
    const id = session.send(null, 'Hello');
    await model.say('Hi');
    session.keepRunning();
    expect(new History(storage).get(id)?.messages[1]).toMatchObject({ content: 'Hi', state: 'stopped' });
  });
});
