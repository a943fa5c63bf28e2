import { RotateCw } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Failure } from '@/api/errors';
import { Button } from '@/ui/Button';

interface Props {
  failure: Failure;
  onRetry: () => void;
  onNewChat: () => void;
  onSettings: () => void;
}

/** What happened, and what to do next. */
export function ErrorNotice({ failure, onRetry, onNewChat, onSettings }: Props) {
  const { title, next } = words(failure);
  const wait = useCountdown(failure.retryAfterSeconds ?? 0);
  return (
    <div role="alert" className="my-2 rounded-xl bg-danger-soft px-4 py-3 text-sm">
      <p className="font-semibold text-danger">{title}</p>
      <p className="mt-1 leading-relaxed">{next}</p>
      <div className="mt-3 flex flex-wrap gap-2">
        {failure.kind === 'context_full' && (
          <Button kind="primary" onClick={onNewChat}>
            Ask in a new chat
          </Button>
        )}
        {(failure.kind === 'unauthorized' || failure.kind === 'invalid') && (
          <Button kind="primary" onClick={onSettings}>
            Open settings
          </Button>
        )}
        {failure.kind !== 'context_full' && (
          <Button icon={RotateCw} onClick={onRetry} disabled={wait > 0}>
            {wait > 0 ? `Try again in ${wait} s` : 'Try again'}
          </Button>
        )}
      </div>
    </div>
  );
}

function words({ kind, message }: Failure): { title: string; next: string } {
  switch (kind) {
    case 'unreachable':
      return {
        title: 'The server does not answer',
        next: 'It was stopped, or the connection broke. Start it with ./run in the project’s folder, then try again.',
      };
    case 'busy':
      return { title: 'The server is full', next: 'Others are being answered first. Wait a moment, then try again.' };
    case 'not_ready':
      return { title: 'The model is not ready', next: `${message} Try again in a moment.` };
    case 'context_full':
      return {
        title: 'This chat no longer fits into the model’s context',
        next: `${message} A new chat starts with an empty context; or edit an earlier question to drop what follows it.`,
      };
    case 'unauthorized':
      return { title: 'This server wants a key', next: 'Enter its API key in the settings, then try again.' };
    case 'invalid':
      return { title: 'The server did not accept this', next: `${message} Check the settings, then try again.` };
    case 'failed':
      return { title: 'Something went wrong', next: message };
  }
}

function useCountdown(seconds: number): number {
  const [left, setLeft] = useState(Math.ceil(seconds));
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return left;
}
