import { lazy, Suspense, useEffect } from 'react';
import { useSearchParams } from 'wouter';
import { useStore } from '@/lib/store';
import { Button } from '@/ui/Button';
import { PageBar } from '@/ui/PageBar';
import { CardDialog } from './CardDialog';
import { ChallengeDialog } from './ChallengeDialog';
import { session, type Game } from './game';
import { PlayView } from './PlayView';
import { PredictionDialog } from './PredictionDialog';
import { QuizDialog } from './QuizDialog';
import { useCard } from './useCard';

const views = {
  play: { title: 'Play', View: PlayView },
  map: { title: 'Map', View: lazy(() => import('./MapView')) },
  paths: { title: 'Paths', View: lazy(() => import('./PathsView')) },
  progress: { title: 'Progress', View: lazy(() => import('./ProgressView')) },
  library: { title: 'Library', View: lazy(() => import('./LibraryView')) },
} as const;

type ViewName = keyof typeof views;

export default function GamePage() {
  const [parameters, setParameters] = useSearchParams();
  const game = useStore(session.game);
  const failure = useStore(session.failure);
  const wanted = parameters.get('view') ?? 'play';
  const name: ViewName = wanted in views ? (wanted as ViewName) : 'play';
  const { View } = views[name];

  useEffect(() => {
    if (!session.game.get()) void session.load();
  }, []);

  return (
    <div className="flex h-full flex-col">
      <PageBar>
        <div role="tablist" aria-label="Views of the game" className="flex min-w-0 gap-0.5 overflow-x-auto">
          {Object.entries(views).map(([key, { title }]) => (
            <button
              key={key}
              type="button"
              role="tab"
              aria-selected={key === name}
              onClick={() => setParameters(key === 'play' ? {} : { view: key })}
              className="h-9 shrink-0 rounded-lg px-2.5 text-sm font-medium text-muted hover:text-ink aria-selected:bg-sunken aria-selected:text-ink"
            >
              {title}
            </button>
          ))}
        </div>
      </PageBar>
      {failure && <FailureBar message={failure.message} canRetry={!game} />}
      {game?.isOffline && (
        <p role="status" className="bg-accent-soft px-4 py-2 text-sm">
          The server is away. Play on: your discoveries are kept here and handed in when it is back.
        </p>
      )}
      {game ? (
        <div role="tabpanel" aria-label={views[name].title} className="min-h-0 flex-1">
          <Suspense>
            <View game={game} />
          </Suspense>
        </div>
      ) : (
        !failure && <p className="p-6 text-sm text-muted">Laying out the board…</p>
      )}
      {game && <Dialogs game={game} />}
    </div>
  );
}

function FailureBar({ message, canRetry }: { message: string; canRetry: boolean }) {
  return (
    <div role="alert" className="flex flex-wrap items-center gap-3 bg-danger-soft px-4 py-2 text-sm">
      <span className="flex-1">{message}</span>
      <Button onClick={() => (canRetry ? void session.load() : session.failure.set(null))}>
        {canRetry ? 'Try again' : 'Close'}
      </Button>
    </div>
  );
}

function Dialogs({ game }: { game: Game }) {
  const [card, openCard] = useCard();
  const quiz = useStore(session.quiz);
  const prediction = useStore(session.choices);
  const challenge = useStore(session.challenge);
  const challenged = challenge === null ? undefined : game.book.concepts.get(challenge);
  const concept = card === null ? undefined : game.book.concepts.get(card);
  return (
    <>
      {concept && game.known.has(concept.id) && (
        <CardDialog concept={concept} game={game} onClose={() => openCard(null)} />
      )}
      {quiz && <QuizDialog key={quiz.scope} first={quiz} game={game} />}
      {challenged?.challenge && (
        <ChallengeDialog key={challenged.id} concept={challenged} challenge={challenged.challenge} game={game} />
      )}
      {prediction && <PredictionDialog {...prediction} game={game} />}
    </>
  );
}
