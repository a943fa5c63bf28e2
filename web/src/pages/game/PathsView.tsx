import { useEffect, useState } from 'react';
import { asFailure } from '@/api/errors';
import { Button } from '@/ui/Button';
import { ProgressBar } from '@/ui/ProgressBar';
import * as api from './api';
import { ConceptLink } from './CardDialog';
import { ChallengeButton } from './ChallengeDialog';
import { Emoji } from './Emoji';
import { session, type Game } from './game';
import type { Check, PathProgress } from './types';

/** Ways through the concepts, with what is found of them and the checks at their chapters' ends. */
export default function PathsView({ game }: { game: Game }) {
  const [paths, setPaths] = useState<PathProgress[]>([]);
  const [open, setOpen] = useState<string | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    api.fetchPaths(session.slot).then(
      ({ paths: found }) => setPaths(found),
      (thrown) => setProblem(asFailure(thrown).message),
    );
  }, [game.state]);

  return (
    <div className="h-full overflow-y-auto" tabIndex={0} role="region" aria-label="Learning paths">
      <div className="mx-auto flex max-w-3xl flex-col gap-8 p-4 sm:p-6">
        {problem && <p role="alert">{problem}</p>}
        {paths.length > 0 && (
          <section aria-label="Paths">
            <h2 className="text-lg font-semibold">Paths</h2>
            <p className="mt-1 text-sm text-muted">
              Each leads through a part of the field, in an order that builds up.
            </p>
            <ul className="mt-4 flex flex-col gap-2">
              {paths.map((path) => (
                <li key={path.id} className="rounded-xl border border-line bg-surface">
                  <button
                    type="button"
                    aria-expanded={open === path.id}
                    onClick={() => setOpen(open === path.id ? null : path.id)}
                    className="flex w-full items-center gap-3 rounded-xl px-4 py-3 text-left hover:bg-sunken"
                  >
                    <Emoji className="text-xl">{path.emoji}</Emoji>
                    <span className="min-w-0 flex-1">
                      <span className="block font-medium">{path.name}</span>
                      <span className="block text-sm text-muted">{path.goal}</span>
                    </span>
                    <span className="w-24 shrink-0">
                      <ProgressBar label={path.name} value={path.found} of={path.total} />
                    </span>
                  </button>
                  {open === path.id && (
                    <ol className="border-t border-line px-4 py-3">
                      {path.chapters.map((chapter, i) => (
                        <li key={chapter.title} className="py-2">
                          <div className="flex items-center gap-3">
                            <h3 className="flex-1 text-sm font-medium">{chapter.title}</h3>
                            <CheckButton check={chapter.check} scope={`chapter:${path.id}:${i}`} />
                          </div>
                          <p className="mt-2 flex flex-wrap gap-1.5">
                            {chapter.concepts.map((id) => (
                              <ConceptLink key={id} id={id} game={game} />
                            ))}
                          </p>
                        </li>
                      ))}
                    </ol>
                  )}
                </li>
              ))}
            </ul>
          </section>
        )}
        <section aria-label="Modules">
          <h2 className="text-lg font-semibold">Modules</h2>
          <p className="mt-1 text-sm text-muted">
            When you know enough of one, five questions check what stayed. What can be measured is predicted first.
          </p>
          <ul className="mt-4 grid gap-2 sm:grid-cols-2">
            {game.state.chapters.map(({ module, title, goal, found, total, check }) => (
              <li key={module} className="flex flex-col gap-2 rounded-xl border border-line bg-surface p-4">
                <h3 className="text-sm font-medium">
                  {module} · {title}
                </h3>
                <p className="flex-1 text-sm text-muted">{goal}</p>
                <ProgressBar label={title} value={found} of={total} />
                <CheckButton check={check} scope={`module:${module}`} />
                <Challenges module={module} game={game} />
              </li>
            ))}
          </ul>
        </section>
        {game.state.due.length > 0 && (
          <section aria-label="Review" className="rounded-xl bg-accent-soft p-4">
            <h2 className="font-semibold">{game.state.due.length} due for review</h2>
            <p className="mt-1 text-sm">What is asked again in time is kept.</p>
            <Button kind="primary" className="mt-3" onClick={() => void session.startQuiz('review')}>
              Review
            </Button>
          </section>
        )}
      </div>
    </div>
  );
}

/** What a module lets one measure; what is not found yet is counted. */
function Challenges({ module, game }: { module: number; game: Game }) {
  const all = game.book.content.concepts.filter((one) => one.module === module && one.challenge);
  const open = all.filter(({ id }) => game.known.has(id));
  const hidden = all.length - open.length;
  return (
    <>
      {session.hasExperiments && open.map((one) => <ChallengeButton key={one.id} concept={one} game={game} />)}
      {hidden > 0 && (
        <span className="text-xs text-muted">
          {hidden} {hidden === 1 ? 'experiment opens' : 'experiments open'} with more discoveries
        </span>
      )}
    </>
  );
}

function CheckButton({ check, scope }: { check: Check; scope: string }) {
  if (check === 'locked') return <span className="text-xs text-muted">Check opens with more discoveries</span>;
  return (
    <Button className="h-8! self-start" onClick={() => void session.startQuiz(scope)}>
      {check === 'passed' ? 'Passed: check again' : 'Five questions'}
    </Button>
  );
}
