import { useEffect, useRef, useState, type FormEvent } from 'react';
import { asFailure } from '@/api/errors';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { session, type Game } from './game';
import type { Challenge, Concept, GameEvent } from './types';

type Measured = Extract<GameEvent, { type: 'measured' }>;

/** Says what will be measured, then lets the server's machine measure it. */
export function ChallengeDialog({ concept, challenge, game }: { concept: Concept; challenge: Challenge; game: Game }) {
  const [answer, setAnswer] = useState('');
  const [measured, setMeasured] = useState<Measured | null>(null);
  const [problem, setProblem] = useState('');
  const [running, setRunning] = useState<AbortController | null>(null);
  const taken = game.state.challenges.find((one) => one.concept === concept.id);
  const prediction = answer.trim() === '' ? NaN : Number(answer.replaceAll(/[,\s]/g, ''));
  const latest = useRef(running);
  latest.current = running;
  useEffect(() => () => latest.current?.abort(), []);

  const measure = async (event: FormEvent) => {
    event.preventDefault();
    if (!Number.isFinite(prediction) || running) return;
    const controller = new AbortController();
    setRunning(controller);
    setProblem('');
    try {
      setMeasured(await session.measure(concept.id, prediction, controller.signal));
    } catch (thrown) {
      if (!controller.signal.aborted) setProblem(asFailure(thrown).message);
    } finally {
      setRunning(null);
    }
  };

  return (
    <Dialog title={`Measure: ${concept.name}`} onClose={() => session.challenge.set(null)}>
      <form className="overflow-y-auto px-5 py-4 text-[0.9375rem] leading-relaxed" onSubmit={measure}>
        <p className="font-medium">{challenge.question}</p>
        {challenge.choices.length > 0 ? (
          <fieldset className="mt-4 flex flex-col gap-2" disabled={running !== null || measured !== null}>
            <legend className="sr-only">Your prediction</legend>
            {challenge.choices.map((choice, i) => (
              <label
                key={choice}
                className={`flex cursor-pointer items-center gap-3 rounded-xl border px-4 py-3 text-sm leading-snug ${look(measured, i, answer)}`}
              >
                <input
                  type="radio"
                  name="prediction"
                  value={i}
                  checked={answer === `${i}`}
                  onChange={() => setAnswer(`${i}`)}
                  className="accent-accent"
                />
                <span className="flex-1">{choice}</span>
                {measured?.band === i && <span className="font-medium text-accent">measured</span>}
              </label>
            ))}
          </fieldset>
        ) : (
          <label className="mt-4 flex items-center gap-3 text-sm">
            <span>Your prediction</span>
            <input
              value={answer}
              onChange={(event) => setAnswer(event.target.value)}
              disabled={running !== null || measured !== null}
              inputMode="decimal"
              autoComplete="off"
              className="h-10 w-32 rounded-lg border border-line-strong bg-surface px-3 tabular-nums"
            />
            <span className="text-muted">{challenge.unit}</span>
          </label>
        )}
        <div aria-live="polite" className="mt-4 min-h-24">
          {running ? (
            <Running seconds={challenge.seconds} onStop={() => running.abort()} />
          ) : measured ? (
            <Outcome measured={measured} />
          ) : (
            <>
              {problem && (
                <p role="alert" className="mb-3 text-sm text-danger">
                  {problem}
                </p>
              )}
              <Button kind="primary" type="submit" disabled={!Number.isFinite(prediction)}>
                Let this machine measure
              </Button>
              <p className="mt-3 text-xs text-muted">
                {taken ? `Last time: ${taken.text}. Only the first prediction counts.` : 'What runs:'}
              </p>
              {challenge.commands.map((command) => (
                <code key={command} className="mt-1 block font-mono text-xs break-words text-muted">
                  {command}
                </code>
              ))}
            </>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function Running({ seconds, onStop }: { seconds: number; onStop: () => void }) {
  const [gone, setGone] = useState(0);
  useEffect(() => {
    const begin = performance.now();
    const timer = setInterval(() => setGone(Math.floor((performance.now() - begin) / 1000)), 250);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="flex items-center gap-3 text-sm">
      <p className="flex-1">
        Measuring… <span className="text-muted tabular-nums">{gone} s</span>
        <span className="block text-xs text-muted">
          {gone <= 3 * seconds
            ? `About ${seconds} s.`
            : 'The first time on a machine, its limits are measured too: half a minute.'}
        </span>
      </p>
      <Button onClick={onStop}>Stop</Button>
    </div>
  );
}

function Outcome({ measured }: { measured: Measured }) {
  return (
    <>
      <p>
        <strong className="text-2xl font-semibold tracking-tight tabular-nums">{measured.text}</strong>
        <span className={`ml-3 font-medium ${measured.right ? 'text-accent' : 'text-danger'}`}>
          {measured.right ? 'As you said.' : 'Not what you said.'}
          {measured.points > 0 && ` +${measured.points}`}
        </span>
      </p>
      <p className="mt-2 text-sm text-muted">{measured.because}</p>
      <Button kind="primary" autoFocus className="mt-3" onClick={() => session.challenge.set(null)}>
        Done
      </Button>
    </>
  );
}

function look(measured: Measured | null, i: number, answer: string): string {
  if (measured?.band === i) return 'border-accent bg-accent-soft';
  if (answer !== `${i}`) return 'border-line';
  return measured && !measured.right ? 'border-danger bg-danger-soft' : 'border-accent-mid';
}

/** Opens the challenge of a concept, and says how it went the last time. */
export function ChallengeButton({ concept, game }: { concept: Concept; game: Game }) {
  const taken = game.state.challenges.find((one) => one.concept === concept.id);
  return (
    <Button className="h-auto! min-h-8 self-start py-1 text-left" onClick={() => session.challenge.set(concept.id)}>
      {taken ? `${concept.name}: ${taken.text}` : `Measure: ${concept.name}`}
    </Button>
  );
}
