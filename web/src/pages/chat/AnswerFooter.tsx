import { ChevronDown, RotateCw } from 'lucide-react';
import { useRef } from 'react';
import { milliseconds, plural, whole } from '@/lib/format';
import { browserStorage } from '@/lib/storage';
import { Store, useStore } from '@/lib/store';
import { CopyButton } from '@/ui/CopyButton';
import { IconButton } from '@/ui/IconButton';
import type { Message } from './conversation';
import { budgetMs, verdict, waterfall } from './waterfall';
import { StripView, WaterfallView } from './WaterfallView';

const key = 'speedwins.waterfall';
const isOpen = new Store(browserStorage().getItem(key) === 'open');
isOpen.subscribe(() => browserStorage().setItem(key, isOpen.get() ? 'open' : 'closed'));

/** Where the answer's time went, and what can be done with it. */
export function AnswerFooter({ message, onRetry }: { message: Message; onRetry: (() => void) | undefined }) {
  const open = useStore(isOpen);
  const details = useRef<HTMLDivElement>(null);
  const { timings, state } = message;
  const chart = timings && waterfall(timings);
  // A phone has no room for what it is compared with.
  const [comparison, than] = chart ? verdict(chart.firstTokenMs).split(/(?= than)/) : [];
  return (
    <div className="mt-3">
      <div className="flex h-11 items-center gap-1">
        {chart ? (
          <button
            type="button"
            aria-expanded={open}
            onClick={() => {
              isOpen.set(!open);
              requestAnimationFrame(() => details.current?.scrollIntoView({ block: 'nearest' }));
            }}
            title="Show where the time went"
            className="-ml-2 flex min-w-0 flex-1 flex-col gap-1.5 rounded-lg px-2 py-1.5 text-left hover:bg-sunken sm:max-w-md"
          >
            <StripView chart={chart} />
            <span className="flex items-center gap-1.5 text-xs text-muted tabular-nums">
              <span className="truncate">
                <span
                  className={chart.firstTokenMs <= budgetMs ? 'font-semibold text-accent' : 'font-semibold text-warn'}
                >
                  First token {milliseconds(chart.firstTokenMs)}
                </span>
                {`, ${comparison}`}
                <span className="max-sm:sr-only">{than}</span>
                {chart.decodeTokensPerSecond !== null && ` · ${whole(chart.decodeTokensPerSecond)} tok/s`}
                <span className="hidden sm:inline">{` · ${plural(timings.new_tokens, 'token')}`}</span>
              </span>
              <ChevronDown
                aria-hidden
                className={`size-3.5 shrink-0 transition-transform ${open ? 'rotate-180' : ''}`}
              />
            </span>
          </button>
        ) : (
          <p className="flex-1 text-xs text-muted">{state === 'stopped' ? 'Stopped' : ''}</p>
        )}
        <span className="ml-auto flex">
          {message.content !== '' && <CopyButton text={message.content} label="Copy answer" />}
          {onRetry && <IconButton icon={RotateCw} label="Answer again" onClick={onRetry} />}
        </span>
      </div>
      {chart && open && (
        <div ref={details} className="mt-1 rounded-xl border border-line bg-surface px-4 py-3">
          <WaterfallView chart={chart} timings={timings} />
        </div>
      )}
    </div>
  );
}
