import { useRef, useState } from 'react';
import { useStore } from '@/lib/store';
import { BoardView, type BoardHandle } from './BoardView';
import { ConceptList } from './ConceptList';
import { session, type Game } from './game';
import { NewsView } from './NewsView';
import { ScoreBar } from './ScoreBar';
import { Tray } from './Tray';
import { Tutorial } from './Tutorial';
import type { Id } from './types';

/** The board with all that is played on it: dragging together, or picking two or three from the list. */
export function PlayView({ game }: { game: Game }) {
  const [picked, setPicked] = useState<Id[]>([]);
  const board = useRef<BoardHandle>(null);
  const isPredicting = useStore(session.predictFirst);

  const play = async (ingredients: Id[]) => {
    const outcome = await session.combine(ingredients);
    const isTriple = outcome?.type === 'nothing' && outcome.too_few;
    setPicked(isTriple ? ingredients : []);
    if (outcome?.type === 'discovered') board.current?.bring(outcome.id);
  };
  const pick = (id: Id) => {
    if (picked.includes(id)) return setPicked(picked.filter((one) => one !== id));
    const next = [...picked, id].slice(-3);
    setPicked(next);
    if (next.length >= 2) void play(next);
  };

  return (
    <div className="flex h-full flex-col md:flex-row">
      <section aria-label="Board" className="relative min-h-0 min-w-0 flex-1 basis-[44%]">
        <BoardView ref={board} game={game} onTriple={setPicked} />
        <div className="pointer-events-none absolute inset-x-0 top-0 flex flex-col gap-2 p-2 sm:p-3">
          <ScoreBar game={game} />
          <NewsView game={game} />
          <Tutorial game={game} />
        </div>
      </section>
      <aside
        aria-label="Concepts"
        className="flex min-h-0 basis-[56%] flex-col border-t border-line bg-surface md:w-80 md:basis-auto md:border-t-0 md:border-l"
      >
        <Tray game={game} picked={picked} isPredicting={isPredicting} onRemove={pick} onClear={() => setPicked([])} />
        <ConceptList
          game={game}
          picked={picked}
          onPick={pick}
          onDrag={(event, id) => board.current?.dragIn(event, id)}
        />
      </aside>
    </div>
  );
}
