import { ApiError, type Failure } from './errors';
import { postJson } from './http';
import { sseEvents } from './sse';

/** Where a request's time went, as the server measured it. */
export interface Timings {
  tokenize_ms: number;
  queue_ms: number;
  prefill_ms: number;
  /** From the request's last byte to the first token. */
  ttft_ms: number;
  /** From the first token to the last. */
  decode_ms: number;
  prompt_tokens: number;
  /** Of the prompt, known from earlier requests and not computed again. */
  cached_tokens: number;
  new_tokens: number;
}

export interface ChatTurn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatRequest {
  model: string;
  messages: ChatTurn[];
  temperature?: number;
  top_p?: number;
  top_k?: number;
  repetition_penalty?: number;
  max_tokens?: number;
  seed?: number;
}

export type ChatEvent =
  { type: 'text'; text: string } | { type: 'end'; finishReason: string } | { type: 'timings'; timings: Timings };

interface Chunk {
  choices?: { delta?: { content?: string | null }; finish_reason?: string | null }[];
  timings?: Record<string, unknown> | null;
  error?: { message?: string };
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

export function timingsOf(raw: Record<string, unknown>): Timings {
  return {
    tokenize_ms: number(raw['tokenize_ms']),
    queue_ms: number(raw['queue_ms']),
    prefill_ms: number(raw['prefill_ms']),
    ttft_ms: number(raw['ttft_ms']),
    decode_ms: number(raw['decode_ms']),
    prompt_tokens: number(raw['prompt_tokens']),
    cached_tokens: number(raw['cached_tokens']),
    new_tokens: number(raw['new_tokens']),
  };
}

function eventsOf(data: string): ChatEvent[] {
  let chunk: Chunk;
  try {
    chunk = JSON.parse(data) as Chunk;
  } catch {
    throw new ApiError({ kind: 'failed', message: 'The server sent something that is not JSON.' });
  }
  if (chunk.error) {
    const failure: Failure = { kind: 'failed', message: chunk.error.message ?? 'The server stopped in mid-answer.' };
    throw new ApiError(failure);
  }
  const events: ChatEvent[] = [];
  const choice = chunk.choices?.[0];
  if (choice?.delta?.content) events.push({ type: 'text', text: choice.delta.content });
  if (choice?.finish_reason) events.push({ type: 'end', finishReason: choice.finish_reason });
  if (chunk.timings) events.push({ type: 'timings', timings: timingsOf(chunk.timings) });
  return events;
}

/** One answer, as it is written. Throws ApiError, or TypeError when the connection is lost. */
export async function* streamChat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatEvent> {
  const body = { ...request, stream: true, stream_options: { include_usage: true } };
  const response = await postJson('/v1/chat/completions', body, signal);
  if (!response.body) throw new TypeError('The answer has no body.');
  for await (const { data } of sseEvents(response.body)) {
    signal.throwIfAborted(); // what had arrived before is not shown after
    if (data === '[DONE]') return;
    yield* eventsOf(data);
  }
  throw new TypeError('The stream ended before the answer did.');
}
