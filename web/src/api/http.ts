import { browserStorage } from '@/lib/storage';
import { Store } from '@/lib/store';
import { ApiError, failureOf } from './errors';

const keyName = 'speedwins.key';

/** The server's API key, where it wants one. */
export const apiKey = new Store(browserStorage().getItem(keyName) ?? '');
apiKey.subscribe(() => browserStorage().setItem(keyName, apiKey.get()));

/** A request to our own server. Throws ApiError for an answer that is not 2xx, TypeError when there is none. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (apiKey.get() !== '') headers.set('Authorization', `Bearer ${apiKey.get()}`);
  const response = await fetch(path, { ...init, headers });
  if (!response.ok) throw new ApiError(await failureOf(response));
  return response;
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

export function postJson(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return send(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}
