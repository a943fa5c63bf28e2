import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { hasEmoji } from './Emoji';
import { session, type Game } from './game';
import type { Id } from './types';

interface Props {
  ingredients: Id[];
  choices: { id: Id; name: string; emoji: string }[];
  game: Game;
}

export function PredictionDialog({ ingredients, choices, game }: Props) {
  const skip = () => session.answerPrediction(null);
  return (
    <Dialog title="What will come of it?" onClose={skip}>
      <div className="px-5 py-4">
        <p className="text-muted">{ingredients.map((id) => game.book.name(id)).join(' + ')}</p>
        <div className="mt-4 grid gap-2 sm:grid-cols-2">
          {choices.map(({ id, name, emoji }) => (
            <button
              key={id}
              type="button"
              onClick={() => session.answerPrediction(id)}
              className="rounded-xl border border-line px-4 py-3 text-left text-sm font-medium hover:border-accent-mid hover:bg-accent-soft"
            >
              {hasEmoji && `${emoji} `}
              {name}
            </button>
          ))}
        </div>
        <div className="mt-4 flex justify-end">
          <Button onClick={skip}>Combine without predicting</Button>
        </div>
      </div>
    </Dialog>
  );
}
