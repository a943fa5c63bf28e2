import { serverState, type ServerState } from '@/api/models';
import { useStore } from '@/lib/store';

const words: Record<ServerState, { text: string; dot: string }> = {
  unknown: { text: 'Connecting', dot: 'bg-line-strong' },
  ready: { text: 'Ready', dot: 'bg-accent' },
  starting: { text: 'Starting', dot: 'bg-warn' },
  locked: { text: 'Key needed', dot: 'bg-warn' },
  gone: { text: 'No server', dot: 'bg-danger' },
};

export function ServerStatus() {
  const { text, dot } = words[useStore(serverState)];
  return (
    <p role="status" className="flex items-center gap-2 text-xs text-muted">
      <span aria-hidden className={`size-2 rounded-full ${dot}`} />
      {text}
    </p>
  );
}
