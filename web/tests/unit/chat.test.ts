import { afterEach, describe, expect, test, vi } from 'vitest';
import { streamChat, type ChatEvent } from '@/api/chat';
import { ApiError, asFailure } from '@/api/errors';

function answer(body: string, init?: ResponseInit) {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, init)));
}

async function collect(): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  const request = { model: 'demo', messages: [{ role: 'user' as const, content: 'Hello' }] };
  for await (const event of streamChat(request, new AbortController().signal)) events.push(event);
  return events;
}

const failure = () => collect().then(() => undefined, asFailure);

afterEach(() => vi.unstubAllGlobals());

const chunk = (fields: object) =>
  `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', ...fields })}\n\n`;
const text = (content: string) => chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });

describe('a streamed answer', () => {
  test('is its text, why it ended, and where its time went', async () => {
    const timings = { queue_ms: 1, tokenize_ms: 0.5, prefill_ms: 8, ttft_ms: 9.5, decode_ms: 100 };
    answer(
      text('Speed') +
        text(' wins') +
        chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'length' }] }) +
        chunk({ choices: [], timings: { ...timings, prompt_tokens: 20, cached_tokens: 12, new_tokens: 2 } }) +
        'data: [DONE]\n\n',
    );
    expect(await collect()).toEqual([
      { type: 'text', text: 'Speed' },
      { type: 'text', text: ' wins' },
      { type: 'end', finishReason: 'length' },
      { type: 'timings', timings: { ...timings, prompt_tokens: 20, cached_tokens: 12, new_tokens: 2 } },
    ]);
  });

  test('that breaks off is a lost connection, not a short answer', async () => {
    answer(text('Speed'));
    expect(await failure()).toMatchObject({ kind: 'unreachable' });
  });

  test('ends with the error that the server sends in its midst', async () => {
    answer(text('Speed') + 'data: {"error":{"message":"Out of memory."}}\n\n');
    expect(await failure()).toEqual({ kind: 'failed', message: 'Out of memory.' });
  });

  test.each([
    [429, { error: { message: 'Full.' } }, { 'Retry-After': '3' }, { kind: 'busy', retryAfterSeconds: 3 }],
    [503, { error: { message: 'Loading.' } }, {}, { kind: 'not_ready', message: 'Loading.' }],
    [401, { error: { message: 'No key.' } }, {}, { kind: 'unauthorized' }],
    [400, { error: { message: 'Too long.', code: 'context_length_exceeded' } }, {}, { kind: 'context_full' }],
    [400, { error: { message: 'temperature: 101 is above 100' } }, {}, { kind: 'invalid' }],
    [500, 'no JSON', {}, { kind: 'failed', message: 'The server answered 500.' }],
  ])('refused with status %i says what can be done', async (status, body, headers, expected) => {
    answer(typeof body === 'string' ? body : JSON.stringify(body), { status, headers });
    expect(await failure()).toMatchObject(expected);
  });

  test('is unreachable when nobody answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    expect(await failure()).toMatchObject({ kind: 'unreachable' });
    expect(new ApiError({ kind: 'busy', message: 'm' }).message).toBe('m');
  });
});
