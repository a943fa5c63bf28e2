import { asFailure } from './errors';
import { getJson } from './http';
import { Store } from '@/lib/store';

export interface ModelInfo {
  id: string;
  /** Positions a prompt and its answer may have together; 0 until the model is loaded. */
  context: number;
  parameters: number;
  state: string;
}

export type ServerState = 'unknown' | 'ready' | 'starting' | 'locked' | 'gone';

export const models = new Store<ModelInfo[]>([]);
export const serverState = new Store<ServerState>('unknown');

interface ModelList {
  data?: { id?: unknown; context?: unknown; state?: unknown; parameters?: unknown; error?: unknown }[];
}

function modelOf({ id, context, parameters, state }: NonNullable<ModelList['data']>[number]): ModelInfo[] {
  if (typeof id !== 'string') return [];
  const count = (value: unknown) => (typeof value === 'number' ? value : 0);
  return [{ id, context: count(context), parameters: count(parameters), state: String(state ?? 'ready') }];
}

export async function refreshModels(): Promise<void> {
  try {
    const list = await getJson<ModelList>('/v1/models');
    const found = (list.data ?? []).flatMap(modelOf);
    if (JSON.stringify(found) !== JSON.stringify(models.get())) models.set(found);
    serverState.set(found.some(({ state }) => state !== 'loading') ? 'ready' : 'starting');
  } catch (thrown) {
    const { kind } = asFailure(thrown);
    serverState.set(kind === 'unauthorized' ? 'locked' : kind === 'not_ready' ? 'starting' : 'gone');
  }
}

/** Watches the server, more often while it is away; returns how to end it. */
export function watchServer(): () => void {
  let timer = 0;
  let ended = false;
  const tick = async () => {
    if (!document.hidden) await refreshModels();
    if (!ended) timer = window.setTimeout(tick, serverState.get() === 'ready' ? 10_000 : 2_000);
  };
  void tick();
  return () => {
    ended = true;
    window.clearTimeout(timer);
  };
}
