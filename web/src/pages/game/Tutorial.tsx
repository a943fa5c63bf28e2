import { useState } from 'react';
import { browserStorage } from '@/lib/storage';
import { Button } from '@/ui/Button';
import type { Game } from './game';
import { isTouch } from './touch';

const key = 'speedwins.game.tutorial';

/** Three sentences, each gone when what it asks for is done. */
export function Tutorial({ game }: { game: Game }) {
  const [isOver, setOver] = useState(browserStorage().getItem(key) === 'done');
  const found = game.state.discovered.length - game.book.content.start.length;
  if (isOver || found > 2) return null;
  const steps = [
    `You know three things. Pick Linear Algebra and then Probability in the list${isTouch ? '.' : ', or drag one onto the other.'}`,
    'A discovery. Everything here is real: read its card, then combine it with something.',
    'That is the whole game. Stuck? The lamp gives hints. Paths shows where all this leads.',
  ];
  const end = () => {
    browserStorage().setItem(key, 'done');
    setOver(true);
  };
  return (
    <div
      role="note"
      aria-label="How to play"
      className="pointer-events-auto flex max-w-md items-start gap-3 rounded-xl bg-ink p-3 pl-4 text-sm leading-relaxed text-bg shadow-float"
    >
      <p className="flex-1">
        <span className="opacity-70">{found + 1} of 3 </span>
        {steps[found]}
      </p>
      <Button onClick={end} className="h-8! text-ink">
        {found === 2 ? 'Got it' : 'Skip'}
      </Button>
    </div>
  );
}
