import { BookOpen, FlaskConical, Lightbulb, Sparkles, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useStore } from '@/lib/store';
import { Button } from '@/ui/Button';
import { IconButton } from '@/ui/IconButton';
import { hasEmoji } from './Emoji';
import { session, type Game, type Imagined } from './game';
import type { GameEvent, Hint } from './types';
import { useCard } from './useCard';

/** What the last move brought, or the hint that was asked for. */
export function NewsView({ game }: { game: Game }) {
  const news = useStore(session.news);
  const hint = useStore(session.hint);
  const imagined = useStore(session.imagined);
  const [closed, setClosed] = useState(0);
  const isShown = !imagined && news.number > closed && news.events.some(isTold);

  useEffect(() => {
    const timer = setTimeout(() => setClosed(news.number), 12_000);
    return () => clearTimeout(timer);
  }, [news]);

  return (
    <div aria-live="polite" className="flex max-w-md flex-col gap-2">
      {isShown && (
        <div
          key={news.number}
          className="news pointer-events-auto flex gap-2 rounded-xl border border-line bg-surface p-3 pl-4 shadow-float"
        >
          <div className="flex min-w-0 flex-1 flex-col gap-2 text-sm leading-relaxed">
            {news.events.filter(isTold).map((event, i) => (
              <EventView key={i} event={event} game={game} />
            ))}
          </div>
          <IconButton icon={X} label="Close" onClick={() => setClosed(news.number)} className="size-7!" />
        </div>
      )}
      {imagined && <ImaginedView imagined={imagined} game={game} />}
      {hint && <HintView hint={hint} />}
    </div>
  );
}

const isTold = ({ type }: GameEvent) =>
  !['hint', 'quiz_started', 'answered', 'quiz_finished', 'measured'].includes(type);

function EventView({ event, game }: { event: GameEvent; game: Game }) {
  const [, openCard] = useCard();
  const { book } = game;
  switch (event.type) {
    case 'discovered':
    case 'another_way': {
      const concept = book.concepts.get(event.id);
      return (
        <div>
          <p className="flex flex-wrap items-center gap-x-1.5">
            <span className="text-muted">{event.type === 'discovered' ? 'Discovered' : 'Another way to'}</span>
            <strong className="font-semibold">
              {hasEmoji && `${concept?.emoji} `}
              {concept?.name}
            </strong>
            {event.points > 0 && <span className="text-accent">+{event.points}</span>}
            <Button
              icon={BookOpen}
              className="ml-auto h-8! max-sm:gap-0 max-sm:px-2"
              onClick={() => openCard(event.id)}
            >
              <span className="max-sm:sr-only">Read</span>
            </Button>
          </p>
          <p className="text-muted">{event.why}</p>
          {event.type === 'discovered' && concept?.challenge && session.hasExperiments && !game.isOffline && (
            <Button icon={FlaskConical} className="mt-2 h-8!" onClick={() => session.challenge.set(concept.id)}>
              Predict and measure
            </Button>
          )}
        </div>
      );
    }
    case 'known':
      return (
        <p>
          <strong className="font-semibold">{book.name(event.id)}</strong>, which you have, in a way you know.
        </p>
      );
    case 'misconception':
      return (
        <div>
          <p className="font-semibold">Tempting, but no.</p>
          <p>{event.why_not}</p>
          <p className="text-muted">What is missing: {event.missing}</p>
        </div>
      );
    case 'nothing': {
      const open = Object.entries(event.open).filter(([, count]) => count > 0);
      return (
        <div>
          <p>
            {event.too_few
              ? 'These two want a third: pick it.'
              : event.too_many
                ? 'Two of these three would do.'
                : 'Nothing new comes of these.'}
          </p>
          {open.length > 0 && !event.too_few && (
            <p className="text-muted">
              Within reach: {open.map(([id, count]) => `${count} more with ${book.name(id)}`).join(', ')}.
            </p>
          )}
          {session.hasSandbox && !game.isOffline && !event.too_few && !event.too_many && (
            <Button icon={Sparkles} className="mt-2 h-8!" onClick={() => void session.imagine(event.from)}>
              Imagine what it could be
            </Button>
          )}
        </div>
      );
    }
    case 'prediction':
      return (
        <p>
          {event.right
            ? `Predicted rightly${event.streak > 1 ? `, ${event.streak} in a row` : ''}.`
            : `Not ${book.name(event.id)} this time.`}
          {event.points > 0 && <span className="text-accent"> +{event.points}</span>}
        </p>
      );
    case 'level_up':
      return (
        <p>
          Level {event.number}: <strong className="font-semibold">{event.title}</strong>
        </p>
      );
    case 'achievement':
      return (
        <p>
          {hasEmoji && `${event.emoji} `}
          <strong className="font-semibold">{event.name}</strong>: {event.what}
        </p>
      );
    case 'chapter_complete':
      return <p>All of “{book.content.modules.find(({ id }) => id === event.module)?.title}” is discovered.</p>;
    case 'undone':
      return <p>{event.id ? `${book.name(event.id)} is hidden again.` : 'Taken back.'}</p>;
    case 'complete':
      return (
        <p className="font-semibold">Everything is discovered. There is nothing left to combine but what you build.</p>
      );
    default:
      return null;
  }
}

/** Set apart from what is true: dashed, and it says so. */
function ImaginedView({ imagined: { ingredients, made }, game }: { imagined: Imagined; game: Game }) {
  const pair = ingredients.map((id) => game.book.name(id)).join(' + ');
  return (
    <div className="pointer-events-auto flex gap-2 rounded-xl border border-dashed border-line-strong bg-surface p-3 pl-4 text-sm leading-relaxed shadow-float">
      <div className="min-w-0 flex-1">
        <p className="text-xs font-semibold text-muted">
          <Sparkles aria-hidden className="mr-1.5 inline size-3.5" />
          Speculation
        </p>
        <p className="font-semibold">{made?.name || `${pair}?`}</p>
        <p>{made ? made.text : 'The model is thinking…'}</p>
        {made && <p className="mt-1 text-xs text-muted">Made up by {made.model}, and no part of the game.</p>}
      </div>
      <IconButton
        icon={X}
        label="Close the speculation"
        onClick={() => session.imagined.set(null)}
        className="size-7!"
      />
    </div>
  );
}

function HintView({ hint }: { hint: Hint }) {
  const isLast = hint.step >= hint.of;
  return (
    <div className="pointer-events-auto flex gap-2 rounded-xl border border-accent-mid bg-accent-soft p-3 pl-4 text-sm leading-relaxed shadow-float">
      <div className="min-w-0 flex-1">
        <p className="font-medium">
          <Lightbulb aria-hidden className="mr-1.5 inline size-4 text-accent" />
          {hint.text}
        </p>
        {!isLast && (
          <Button className="mt-2 h-8!" onClick={() => void session.askHint(hint.concept ?? undefined)}>
            Tell me more (−{hint.next_cost})
          </Button>
        )}
      </div>
      <IconButton icon={X} label="Close the hint" onClick={() => session.hint.set(null)} className="size-7!" />
    </div>
  );
}
