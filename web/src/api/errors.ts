/** What went wrong, by what the reader can do about it. */
export type ErrorKind = 'unreachable' | 'busy' | 'not_ready' | 'context_full' | 'unauthorized' | 'invalid' | 'failed';

export interface Failure {
  kind: ErrorKind;
  message: string;
  retryAfterSeconds?: number;
  /** Of the HTTP answer, where there was one. */
  status?: number;
}

export class ApiError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
    this.name = 'ApiError';
  }
}

interface ErrorBody {
  /** OpenAI's form has `message`; the game's has `what` and `next`. */
  error?: { message?: unknown; code?: unknown; what?: unknown; next?: unknown };
}

function kindOf(status: number, code: string, message: string): ErrorKind {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 429) return 'busy';
  if (status === 503) return 'not_ready';
  if (code === 'context_length_exceeded' || (status === 400 && /\bcontext\b/i.test(message))) return 'context_full';
  return status >= 400 && status < 500 ? 'invalid' : 'failed';
}

/** An answer that is not 2xx, in OpenAI's form or any other, as a failure. */
export async function failureOf(response: Response): Promise<Failure> {
  let body: ErrorBody = {};
  try {
    body = (await response.json()) as ErrorBody;
  } catch {
    // Not JSON: a proxy's page, or nothing. The status says enough.
  }
  const text = body.error?.message ?? [body.error?.what, body.error?.next].filter(Boolean).join(' ');
  const message = typeof text === 'string' && text !== '' ? text : `The server answered ${response.status}.`;
  const code = typeof body.error?.code === 'string' ? body.error.code : '';
  const { status } = response;
  const failure: Failure = { kind: kindOf(status, code, message), message, status };
  const retryAfter = Number.parseFloat(response.headers.get('Retry-After') ?? '');
  if (Number.isFinite(retryAfter)) failure.retryAfterSeconds = Math.max(0, retryAfter);
  return failure;
}

/** Whatever was thrown around a request, as a failure. */
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof ApiError) return thrown.failure;
  if (thrown instanceof TypeError) {
    return { kind: 'unreachable', message: 'The server does not answer.' }; // what fetch and a cut stream throw
  }
  return { kind: 'failed', message: thrown instanceof Error ? thrown.message : String(thrown) };
}
