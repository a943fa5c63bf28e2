import { useEffect, useState } from 'react';
import { asFailure } from '@/api/errors';
import { percent, whole } from '@/lib/format';
import { ProgressBar } from '@/ui/ProgressBar';
import * as api from './api';
import { Emoji } from './Emoji';
import { session, type Game } from './game';
import type { AchievementProgress, Statistics } from './types';

/** What was done so far, in numbers. */
export default function ProgressView({ game }: { game: Game }) {
  const [statistics, setStatistics] = useState<Statistics | null>(null);
  const [achievements, setAchievements] = useState<AchievementProgress[]>([]);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    Promise.all([api.fetchStatistics(session.slot), api.fetchAchievements(session.slot)]).then(
      ([numbers, { achievements: all }]) => {
        setStatistics(numbers);
        setAchievements(all);
      },
      (thrown) => setProblem(asFailure(thrown).message),
    );
  }, [game.state]);

  return (
    <div className="h-full overflow-y-auto" tabIndex={0} role="region" aria-label="Progress">
      <div className="mx-auto flex max-w-4xl flex-col gap-6 p-4 sm:p-6">
        {problem && <p role="alert">{problem}</p>}
        {statistics && (
          <>
            <Numbers statistics={statistics} game={game} />
            <Timeline statistics={statistics} game={game} />
            <section aria-labelledby="by-kind" className="rounded-2xl border border-line bg-surface p-4">
              <h2 id="by-kind" className="text-sm font-semibold">
                By kind
              </h2>
              <ul className="mt-3 grid gap-x-8 gap-y-2 sm:grid-cols-2">
                {statistics.by_category.map(({ id, name, found, total }) => (
                  <li key={id} className="grid grid-cols-[9rem_1fr] items-center gap-3 text-sm">
                    <span className="truncate">{name}</span>
                    <ProgressBar label={name} value={found} of={total} />
                  </li>
                ))}
              </ul>
            </section>
          </>
        )}
        {achievements.length > 0 && (
          <section aria-labelledby="achievements">
            <h2 id="achievements" className="text-sm font-semibold">
              Achievements
            </h2>
            <ul className="mt-3 grid gap-2 sm:grid-cols-2">
              {achievements.map(({ id, name, emoji, what, now, of, at }) => (
                <li key={id} className="flex gap-3 rounded-xl border border-line bg-surface p-3">
                  <Emoji className={`text-xl ${at === null ? 'opacity-40 grayscale' : ''}`}>{emoji}</Emoji>
                  <span className="min-w-0 flex-1">
                    <span className="block text-sm font-medium">{name}</span>
                    <span className="block text-xs text-muted">{what}</span>
                    {at === null && <ProgressBar label={name} value={Math.min(now, of)} of={of} />}
                  </span>
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
    </div>
  );
}

function Numbers({ statistics: s, game }: { statistics: Statistics; game: Game }) {
  const { level, score } = game.state;
  const predictions = s.predictions.right + s.predictions.wrong;
  const tiles: [string, string, string][] = [
    ['Discovered', `${s.found}`, `of ${s.total}`],
    [
      'Level',
      level.title,
      level.next === null ? `${whole(score)} points` : `${whole(score)} of ${whole(level.next)} points`,
    ],
    ['Tries that worked', s.attempts > 0 ? percent(s.success_rate) : '–', `${whole(s.attempts)} tried`],
    ['Ways found', whole(s.ways), `of ${whole(s.total_ways)}`],
    ['Predictions', predictions > 0 ? percent(s.predictions.right / predictions) : '–', `best streak ${s.best_streak}`],
    [
      'Right answers',
      s.answers.of > 0 ? percent(s.answers.right / s.answers.of) : '–',
      `${s.quizzes.passed} checks passed`,
    ],
    ['Experiments', whole(s.challenges.of), `${s.challenges.right} as predicted`],
    ['Misconceptions met', whole(s.misconceptions), `of ${whole(s.total_misconceptions)}`],
    ['Played', `${Math.round(s.active_seconds / 60)} min`, `${s.hints} ${s.hints === 1 ? 'hint' : 'hints'}`],
  ];
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-3">
      {tiles.map(([name, value, note]) => (
        <div key={name} className="rounded-2xl border border-line bg-surface px-4 py-3">
          <dt className="truncate text-xs text-muted">{name}</dt>
          <dd className="mt-1 truncate text-2xl font-semibold tracking-tight tabular-nums">{value}</dd>
          <dd className="text-xs text-muted tabular-nums">{note}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Discoveries over the moves made. */
function Timeline({ statistics: { timeline, total }, game }: { statistics: Statistics; game: Game }) {
  // What was there at the start, and what each discovery's move (counted from 0) led to.
  const start = game.book.content.start.length;
  const steps = timeline.slice(start).map(({ move, found }) => ({ move: move + 1, found }));
  const last = timeline.at(-1);
  if (!last || steps.length === 0) return null;
  const moves = last.move + 1;
  const most = last.found;
  const line = [{ move: 0, found: start }, ...steps]
    .map(({ move, found }) => `${(100 * move) / moves},${40 - (38 * found) / most}`)
    .join(' L');
  return (
    <figure className="rounded-2xl border border-line bg-surface p-4">
      <figcaption className="flex justify-between text-sm">
        <span className="font-semibold">Discoveries over {whole(moves)} moves</span>
        <span className="text-muted">latest: {game.book.name(last.id)}</span>
      </figcaption>
      <svg
        role="img"
        aria-label={`${most} of ${total} discovered in ${moves} moves`}
        viewBox="0 0 100 41"
        preserveAspectRatio="none"
        className="mt-3 h-32 w-full"
      >
        <path d={`M${line}`} fill="none" strokeWidth="2" vectorEffect="non-scaling-stroke" className="stroke-accent" />
      </svg>
    </figure>
  );
}
