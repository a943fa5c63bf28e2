import { streamChat, type ChatEvent, type ChatRequest, type ChatTurn } from '@/api/chat';
import { asFailure } from '@/api/errors';
import { newId, titleOf, type Conversation, type Message } from './conversation';
import type { History } from './history';
import { requestOptions, type Settings } from './settings';

type Stream = (request: ChatRequest, signal: AbortSignal) => AsyncIterable<ChatEvent>;

const keepEveryMs = 500;
const leavingMs = 300;

/** Talks to the model on behalf of conversations. Goes on while the reader looks at another page or conversation. */
export class ChatSession {
  #running = new Map<string, AbortController>();

  constructor(
    private history: History,
    private settings: () => Settings & { model: string },
    private stream: Stream = streamChat,
  ) {}

  /** Adds a question and has it answered; returns the conversation's id, a new one's where there was none. */
  send(id: string | null, text: string): string {
    const now = Date.now();
    const conversation: Conversation = (id !== null && this.history.get(id)) || {
      id: newId(),
      title: titleOf(text),
      createdAt: now,
      updatedAt: now,
      messages: [],
    };
    const question: Message = { id: newId(), role: 'user', content: text };
    this.#answer({ ...conversation, updatedAt: now }, [...conversation.messages, question]);
    return conversation.id;
  }

  /** Answers the last question anew. */
  retry(id: string): void {
    const conversation = this.history.get(id);
    if (!conversation) return;
    const last = conversation.messages.findLastIndex(({ role }) => role === 'user');
    if (last >= 0) this.#answer(conversation, conversation.messages.slice(0, last + 1));
  }

  /** Asks an earlier question in other words; what came after it goes. */
  edit(id: string, messageId: string, text: string): void {
    const conversation = this.history.get(id);
    const at = conversation?.messages.findIndex((message) => message.id === messageId) ?? -1;
    if (!conversation || at < 0) return;
    const question: Message = { id: messageId, role: 'user', content: text };
    const title = at === 0 ? titleOf(text) : conversation.title;
    this.#answer({ ...conversation, title, updatedAt: Date.now() }, [...conversation.messages.slice(0, at), question]);
  }

  stop(id: string): void {
    this.#running.get(id)?.abort();
  }

  remove(id: string): void {
    this.stop(id);
    this.#running.delete(id);
    this.history.remove(id);
  }

  clear(): void {
    for (const id of [...this.#running.keys()]) this.remove(id);
    this.history.clear();
  }

  /** Writes down what is being streamed, before the page goes. */
  keepRunning(): void {
    for (const id of this.#running.keys()) {
      const conversation = this.history.get(id);
      if (conversation) this.history.put(conversation, true);
    }
  }

  #answer(conversation: Conversation, messages: Message[]): void {
    this.stop(conversation.id);
    const controller = new AbortController();
    this.#running.set(conversation.id, controller);
    const chosen = this.settings();
    const answer: Message = { id: newId(), role: 'assistant', content: '', state: 'streaming', model: chosen.model };
    this.history.put({ ...conversation, messages: [...messages, answer] }, true);
    const request: ChatRequest = {
      model: chosen.model,
      messages: turns(chosen.system, messages),
      ...requestOptions(chosen),
    };
    void this.#run(conversation.id, answer, request, controller);
  }

  async #run(id: string, answer: Message, request: ChatRequest, controller: AbortController): Promise<void> {
    let latest = answer;
    let frame = 0;
    let keptAt = performance.now();
    const show = (keep: boolean) => {
      frame = 0;
      const conversation = this.history.get(id);
      if (!conversation || this.#running.get(id) !== controller) return; // deleted, or asked again meanwhile
      const messages = conversation.messages.map((message) => (message.id === latest.id ? latest : message));
      this.history.put({ ...conversation, messages }, keep);
    };
    // At most once a frame, however fast tokens come.
    const showSoon = () => {
      if (frame !== 0) return;
      frame = requestAnimationFrame(() => {
        const keep = performance.now() - keptAt > keepEveryMs;
        if (keep) keptAt = performance.now();
        show(keep);
      });
    };
    try {
      for await (const event of this.stream(request, controller.signal)) {
        latest = withEvent(latest, event);
        showSoon();
      }
      latest = { ...latest, state: 'done' };
    } catch (thrown) {
      const failure = asFailure(thrown);
      // A page that is being left loses its connections first; what is stored of the answer then stays as it is.
      if (failure.kind === 'unreachable') await new Promise((done) => setTimeout(done, leavingMs));
      latest = controller.signal.aborted ? { ...latest, state: 'stopped' } : { ...latest, state: 'failed', failure };
    }
    cancelAnimationFrame(frame);
    show(true);
    if (this.#running.get(id) === controller) this.#running.delete(id);
  }
}

function withEvent(answer: Message, event: ChatEvent): Message {
  switch (event.type) {
    case 'text':
      return { ...answer, content: answer.content + event.text };
    case 'end':
      return event.finishReason === 'length' ? { ...answer, cutOff: true } : answer;
    case 'timings':
      return { ...answer, timings: event.timings };
  }
}

/** What the model reads. An answer that stayed empty is left out, and the questions around it become one turn. */
function turns(system: string, messages: Message[]): ChatTurn[] {
  const result: ChatTurn[] = system.trim() === '' ? [] : [{ role: 'system', content: system }];
  for (const { role, content } of messages) {
    const last = result.at(-1);
    if (content === '') continue;
    if (last?.role === role) last.content += `\n\n${content}`;
    else result.push({ role, content });
  }
  return result;
}
