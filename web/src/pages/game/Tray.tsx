import { Plus, X } from 'lucide-react';
import { IconButton } from '@/ui/IconButton';
import { Emoji } from './Emoji';
import { session, type Game } from './game';
import type { Id } from './types';

interface Props {
  game: Game;
  picked: Id[];
  isPredicting: boolean;
  onRemove: (id: Id) => void;
  onClear: () => void;
}

/** What was picked from the list. The second one plays; when two need a third, they wait here for it. */
export function Tray({ game, picked, isPredicting, onRemove, onClear }: Props) {
  return (
    <div className="border-b border-line px-3 py-2 md:py-3">
      <div className="flex min-h-9 items-center gap-1.5">
        {picked.map((id, i) => (
          <span key={id} className="flex min-w-0 items-center gap-1.5">
            {i > 0 && <Plus aria-hidden className="size-3.5 shrink-0 text-muted" />}
            <button
              type="button"
              onClick={() => onRemove(id)}
              title="Take it back"
              className="flex h-9 min-w-0 items-center gap-1.5 rounded-full bg-accent-soft px-3 text-sm"
            >
              <Emoji>{game.book.concepts.get(id)?.emoji}</Emoji>
              <span className="truncate">{game.book.name(id)}</span>
            </button>
          </span>
        ))}
        {picked.length === 0 && <p className="text-sm text-muted">Pick two concepts to combine them.</p>}
        {picked.length === 1 && <p className="text-sm whitespace-nowrap text-muted">+ another</p>}
        {picked.length === 2 && <p className="text-sm whitespace-nowrap text-muted">+ a third</p>}
        <span className="flex-1" />
        {picked.length > 0 && <IconButton icon={X} label="Put all back" onClick={onClear} />}
      </div>
      <label className="mt-1 flex items-center gap-2 text-xs text-muted">
        <input
          type="checkbox"
          checked={isPredicting}
          onChange={(event) => session.predictFirst.set(event.target.checked)}
          className="size-4 accent-accent"
        />
        Predict first: right predictions make a streak
      </label>
    </div>
  );
}
