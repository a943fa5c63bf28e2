export interface SseEvent {
  event: string;
  data: string;
}

/**
 * Server-sent events out of a byte stream that may be cut anywhere, also inside a character or a CR LF pair.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseParser {
  #decoder = new TextDecoder();
  #line = '';
  #afterCarriageReturn = false;
  #event = '';
  #data: string[] = [];

  push(bytes: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    let text = this.#decoder.decode(bytes, { stream: true });
    if (this.#afterCarriageReturn && text !== '') {
      this.#afterCarriageReturn = false;
      if (text.startsWith('\n')) text = text.slice(1);
    }
    if (text.endsWith('\r')) this.#afterCarriageReturn = true;

    const lines = text.split(/\r\n|\r|\n/);
    for (const [i, piece] of lines.entries()) {
      this.#line += piece;
      if (i === lines.length - 1) break;
      const event = this.#take(this.#line);
      this.#line = '';
      if (event) events.push(event);
    }
    return events;
  }

  #take(line: string): SseEvent | undefined {
    if (line === '') {
      const event = { event: this.#event || 'message', data: this.#data.join('\n') };
      const isEmpty = this.#data.length === 0;
      this.#event = '';
      this.#data = [];
      return isEmpty ? undefined : event;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return undefined; // a comment, sent to keep the connection open
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    return undefined;
  }
}

/** The events of a response body, as they come. */
export async function* sseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  const reader = body.getReader();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    reader.cancel().catch(() => undefined); // left early: the server sees the client go and frees the request
  }
}
