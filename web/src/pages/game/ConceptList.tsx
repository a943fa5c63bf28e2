import { Info, Search } from 'lucide-react';
import { memo, useMemo, useRef, useState } from 'react';
import { fuzzyFilter } from '@/lib/fuzzy';
import { IconButton } from '@/ui/IconButton';
import { Emoji, hasEmoji } from './Emoji';
import type { Game } from './game';
import type { Concept, Id } from './types';
import { useCard } from './useCard';

interface Props {
  game: Game;
  picked: Id[];
  onPick: (id: Id) => void;
  onDrag: (event: React.PointerEvent, id: Id) => void;
}

const field = 'h-9 min-w-0 rounded-lg bg-sunken text-base md:text-sm';

/** What was discovered, newest first, and how much of each kind is still hidden. */
export function ConceptList({ game, picked, onPick, onDrag }: Props) {
  const [query, setQuery] = useState('');
  const [category, setCategory] = useState('');
  const [difficulty, setDifficulty] = useState(0);
  const [, openCard] = useCard();
  const { book, state, known } = game;

  const fits = (concept: Concept) =>
    (category === '' || concept.category === category) && (difficulty === 0 || concept.difficulty === difficulty);
  const all = useMemo(
    () => state.discovered.flatMap(({ id }) => book.concepts.get(id) ?? []).reverse(),
    [state.discovered, book],
  );
  const found = fuzzyFilter(query, all.filter(fits), ({ name, aliases }) => [name, ...aliases]);
  const hidden = useMemo(
    () => book.content.concepts.filter((concept) => !known.has(concept.id) && fits(concept)).length,
    [book, known, category, difficulty],
  );
  const isFiltered = category !== '' || difficulty !== 0;
  const pickFirst = () => {
    const first = found[0];
    if (!first) return;
    onPick(first.id);
    setQuery('');
  };

  return (
    <>
      <div className="grid grid-cols-[1fr_auto_auto] gap-1.5 p-3 pb-2 md:grid-cols-2">
        <label className="relative md:col-span-2">
          <span className="sr-only">Search your concepts; Enter picks the first</span>
          <Search aria-hidden className="absolute top-2.5 left-2.5 size-4 text-muted" />
          <input
            type="search"
            value={query}
            placeholder="Search"
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => event.key === 'Enter' && pickFirst()}
            className={`${field} w-full pl-8 placeholder:text-muted`}
          />
        </label>
        <select
          aria-label="Category"
          value={category}
          onChange={(event) => setCategory(event.target.value)}
          className={`${field} w-28 px-2 md:w-full`}
        >
          <option value="">All kinds</option>
          {book.content.categories.map(({ id, name, emoji }) => (
            <option key={id} value={id}>
              {hasEmoji && `${emoji} `}
              {name}
            </option>
          ))}
        </select>
        <select
          aria-label="Difficulty"
          value={difficulty}
          onChange={(event) => setDifficulty(Number(event.target.value))}
          className={`${field} w-28 px-2 md:w-full`}
        >
          <option value={0}>Any level</option>
          {[1, 2, 3, 4, 5].map((level) => (
            <option key={level} value={level}>
              {'●'.repeat(level)}
            </option>
          ))}
        </select>
      </div>
      <ul
        className="flex min-h-0 flex-1 flex-wrap content-start gap-1.5 overflow-y-auto px-3 pb-3"
        aria-label="Your concepts"
      >
        {found.map((concept) => (
          <Chip
            key={concept.id}
            concept={concept}
            isPicked={picked.includes(concept.id)}
            onPick={onPick}
            onDrag={onDrag}
            onInfo={openCard}
          />
        ))}
        <li className="w-full py-1 text-xs text-muted">
          {found.length === 0 && 'Nothing of yours fits. '}
          {hidden > 0
            ? `${hidden} more${isFiltered ? ' of this kind' : ''} to discover.`
            : `All${isFiltered ? ' of this kind' : ''} discovered.`}
        </li>
      </ul>
    </>
  );
}

interface ChipProps {
  concept: Concept;
  isPicked: boolean;
  onPick: (id: Id) => void;
  onDrag: (event: React.PointerEvent, id: Id) => void;
  onInfo: (id: Id) => void;
}

const dragAfterPx = 6;

const Chip = memo(
  function Chip({ concept, isPicked, onPick, onDrag, onInfo }: ChipProps) {
    const start = useRef<{ x: number; y: number } | null>(null);
    return (
      <li
        className={`group flex h-9 items-center rounded-full border text-sm transition-colors ${isPicked ? 'border-accent bg-accent-soft' : 'border-line bg-bg hover:border-accent-mid'}`}
      >
        <button
          type="button"
          aria-pressed={isPicked}
          onClick={() => onPick(concept.id)}
          onPointerDown={(event) => (start.current = { x: event.clientX, y: event.clientY })}
          onPointerUp={() => (start.current = null)}
          onPointerMove={(event) => {
            const from = start.current;
            if (!from || event.pointerType === 'touch') return; // touch scrolls the list, and picks by tapping
            if (Math.hypot(event.clientX - from.x, event.clientY - from.y) < dragAfterPx) return;
            start.current = null;
            onDrag(event, concept.id);
          }}
          className="flex h-full items-center gap-1.5 rounded-full pr-1 pl-3 select-none"
        >
          <Emoji>{concept.emoji}</Emoji>
          {concept.name}
        </button>
        <IconButton
          icon={Info}
          label={`About ${concept.name}`}
          onClick={() => onInfo(concept.id)}
          className="mr-0.5 size-8! rounded-full! opacity-60 group-hover:opacity-100"
        />
      </li>
    );
  },
  (before, after) =>
    before.concept === after.concept && before.isPicked === after.isPicked && before.onPick === after.onPick,
);
