import { ArrowUp, Square } from 'lucide-react';
import { useLayoutEffect, useRef, type RefObject } from 'react';

interface Props {
  field: RefObject<HTMLTextAreaElement | null>;
  text: string;
  isAnswering: boolean;
  onText: (text: string) => void;
  onSend: () => void;
  onStop: () => void;
}

/** Enter sends; Shift+Enter, and Enter on a touch keyboard, begin a line. */
export function Composer({ field, text, isAnswering, onText, onSend, onStop }: Props) {
  const isTouch = useRef(window.matchMedia('(pointer: coarse)').matches);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = '';
    // Of an empty field the browser would measure the placeholder, wrapped at whatever width there is so far.
    if (text !== '') element.style.height = `${element.scrollHeight}px`;
  }, [field, text]);

  const canSend = text.trim() !== '';
  const round = 'grid size-9 shrink-0 place-items-center rounded-full transition-colors';
  return (
    <form
      className="mx-auto w-full max-w-3xl px-3 pb-3 sm:px-6 sm:pb-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (canSend) onSend();
      }}
    >
      <div className="flex items-end gap-2 rounded-2xl border border-line-strong/60 bg-surface p-2 pl-4 shadow-float focus-within:border-accent">
        <textarea
          ref={field}
          rows={1}
          value={text}
          aria-label="Your question"
          placeholder="Ask a question"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || isTouch.current) return;
            event.preventDefault();
            if (canSend) onSend();
          }}
          className="max-h-48 min-h-9 flex-1 resize-none bg-transparent py-1.5 text-base leading-6 outline-none placeholder:text-muted"
        />
        {isAnswering ? (
          <button
            type="button"
            aria-label="Stop"
            title="Stop (Esc)"
            onClick={onStop}
            className={`${round} bg-ink text-bg`}
          >
            <Square aria-hidden className="size-3.5 fill-current" />
          </button>
        ) : (
          <button
            type="submit"
            aria-label="Send"
            title="Send (Enter)"
            disabled={!canSend}
            className={`${round} bg-accent text-on-accent hover:bg-accent-strong disabled:bg-sunken disabled:text-muted`}
          >
            <ArrowUp aria-hidden className="size-4.5" />
          </button>
        )}
      </div>
    </form>
  );
}
