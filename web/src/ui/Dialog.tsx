import { X } from 'lucide-react';
import { useLayoutEffect, useRef, type ReactNode } from 'react';
import { IconButton } from './IconButton';

type Side = 'center' | 'right' | 'left';

const places: Record<Side, string> = {
  center: 'm-auto mt-[12dvh] w-[min(36rem,calc(100vw-1.5rem))] max-h-[76dvh] rounded-2xl',
  right: 'ml-auto my-0 h-dvh max-h-none w-[min(24rem,100vw)] sm:rounded-l-2xl enter-right',
  left: 'mr-auto my-0 h-dvh max-h-none w-[min(18rem,85vw)] rounded-r-2xl enter-left',
};

interface Props {
  title: string;
  onClose: () => void;
  side?: Side;
  /** Without its own head: the content brings one. The title is then for screen readers only. */
  isBare?: boolean;
  children: ReactNode;
}

/** The browser's own modal dialog: it keeps the focus, closes on Escape, and hides the rest from screen readers. */
export function Dialog({ title, onClose, side = 'center', isBare = false, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Closed while it is still in the page: only then does the focus return to where it was.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
      className={`overflow-hidden border border-line bg-surface p-0 text-ink shadow-float outline-none ${places[side]}`}
    >
      <div className="flex h-full max-h-[inherit] flex-col">
        {!isBare && (
          <header className="flex items-center justify-between border-b border-line py-2 pr-2 pl-5">
            <h2 className="font-semibold">{title}</h2>
            <IconButton icon={X} label="Close" onClick={onClose} />
          </header>
        )}
        {children}
      </div>
    </dialog>
  );
}
