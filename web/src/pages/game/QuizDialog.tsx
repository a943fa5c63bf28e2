import { useEffect, useState } from 'react';
import { useStore } from '@/lib/store';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { session, type Game } from './game';
import type { GameEvent, Quiz } from './types';

type Answered = Extract<GameEvent, { type: 'answered' }>;
type Finished = Extract<GameEvent, { type: 'quiz_finished' }>;

/** Five short questions; keys 1 to 4 answer. */
export function QuizDialog({ first, game }: { first: Quiz; game: Game }) {
  const [quiz, setQuiz] = useState(first);
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [finished, setFinished] = useState<Finished | null>(null);
  const state = useStore(session.game)?.state ?? game.state;

  const answer = async (choice: number) => {
    if (answered) return;
    const events = await session.answer(choice);
    const result = events.find((event): event is Answered => event.type === 'answered');
    if (!result) return;
    setAnswered(result);
    setFinished(events.find((event): event is Finished => event.type === 'quiz_finished') ?? null);
  };
  const close = () => session.quiz.set(null);
  const goOn = () => {
    if (finished || !state.quiz) return close();
    setQuiz(state.quiz);
    setAnswered(null);
  };
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const choice = Number(event.key) - 1;
      if (choice >= 0 && choice < quiz.question.choices.length && !answered) void answer(choice);
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  });

  const { question } = quiz;
  return (
    <Dialog title={`Question ${quiz.index + 1} of ${quiz.of}`} onClose={close}>
      <div className="overflow-y-auto px-5 py-4">
        <p className="font-medium">{question.text}</p>
        <ol className="mt-4 flex flex-col gap-2">
          {question.choices.map((choice, i) => (
            <li key={choice}>
              <button
                type="button"
                disabled={answered !== null}
                onClick={() => void answer(i)}
                className={`flex w-full gap-3 rounded-xl border px-4 py-3 text-left text-sm leading-snug ${look(answered, i)}`}
              >
                <span className="text-muted tabular-nums">{i + 1}</span>
                <span className="flex-1">{choice}</span>
                {answered?.correct === i && <span className="font-medium text-accent">right</span>}
                {answered && answered.choice === i && !answered.right && (
                  <span className="font-medium text-danger">no</span>
                )}
              </button>
            </li>
          ))}
        </ol>
        <div aria-live="polite" className="mt-4 min-h-20 text-sm leading-relaxed">
          {answered && (
            <>
              <p className="text-muted">{answered.text}</p>
              {finished && (
                <p className="mt-2 font-semibold">
                  {finished.right} of {finished.of} right.{' '}
                  {finished.passed
                    ? `Passed${finished.points > 0 ? `, +${finished.points}` : ''}.`
                    : 'Read on, and try again.'}
                </p>
              )}
              <Button kind="primary" autoFocus className="mt-3" onClick={goOn}>
                {finished ? 'Done' : 'Next'}
              </Button>
            </>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function look(answered: Answered | null, i: number): string {
  if (!answered) return 'border-line hover:border-accent-mid hover:bg-accent-soft';
  if (answered.correct === i) return 'border-accent bg-accent-soft';
  return answered.choice === i ? 'border-danger bg-danger-soft' : 'border-line';
}
