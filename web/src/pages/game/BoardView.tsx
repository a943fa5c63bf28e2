import { Grid2x2, Maximize, Minus, Plus, Trash2 } from 'lucide-react';
import {
  memo,
  useCallback,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
  type PointerEvent,
  type Ref,
  type RefObject,
} from 'react';
import { useStore } from '@/lib/store';
import { IconButton } from '@/ui/IconButton';
import { nearest, zoomed, type Piece, type View } from './board';
import { Emoji } from './Emoji';
import { session, type Game } from './game';
import type { Book } from './offline';
import { isTouch } from './touch';
import type { Concept, Id } from './types';
import { useCard } from './useCard';

export interface BoardHandle {
  /** Puts a concept where it is seen. */
  bring: (id: Id) => void;
  /** Goes on with a drag that began in the list. */
  dragIn: (event: PointerEvent, id: Id) => void;
}

interface Props {
  ref: Ref<BoardHandle>;
  game: Game;
  /** Two that were dropped together need a third. */
  onTriple: (ids: Id[]) => void;
}

const nudge: Record<string, [number, number]> = {
  ArrowLeft: [-24, 0],
  ArrowRight: [24, 0],
  ArrowUp: [0, -24],
  ArrowDown: [0, 24],
};

/** A board that can be moved and zoomed, with pieces that are dragged together. */
export function BoardView({ ref, game, onTriple }: Props) {
  const { board } = session;
  const pieces = useStore(board.pieces);
  const [view, setView] = useState<View | null>(null);
  const [fresh, setFresh] = useState<number | null>(null);
  const [shaken, setShaken] = useState<readonly number[]>([]);
  const area = useRef<HTMLDivElement>(null);
  const [, openCard] = useCard();

  // The middle of the board is in the middle of the screen.
  useEffect(() => {
    const element = area.current;
    if (element) setView({ x: element.clientWidth / 2, y: element.clientHeight / 2 + 20, scale: 1 });
  }, []);
  const seen = view ?? { x: 0, y: 0, scale: 1 };
  const place = (event: { clientX: number; clientY: number }) => {
    const box = area.current?.getBoundingClientRect();
    return {
      x: (event.clientX - (box?.left ?? 0) - seen.x) / seen.scale,
      y: (event.clientY - (box?.top ?? 0) - seen.y) / seen.scale,
    };
  };

  const drop = useCallback(
    async (key: number, x: number, y: number) => {
      const all = board.pieces.get();
      const moved = all.find((piece) => piece.key === key);
      const other = nearest(all, x, y, key);
      board.move(key, x, y);
      if (!moved || !other) return;
      const outcome = await session.combine([moved.id, other.id]);
      if (outcome && 'id' in outcome && outcome.id) {
        board.remove(key, other.key);
        setFresh(board.add(outcome.id, (x + other.x) / 2, (y + other.y) / 2).key);
        return;
      }
      if (outcome?.type === 'nothing' && outcome.too_few) onTriple([moved.id, other.id]);
      setShaken([key, other.key]);
      setTimeout(() => setShaken([]), 400);
      const side = x < other.x ? -1 : 1;
      board.move(key, other.x + side * 130, other.y + 44);
    },
    [board, onTriple],
  );
  const layer = useLayer(view);
  const drag = useDrag(area, seen.scale, drop);
  const pan = usePan(setView);

  useImperativeHandle(ref, () => ({
    bring: (id) => {
      const element = area.current;
      if (!element) return;
      const middle = { x: element.clientWidth / 2, y: element.clientHeight / 2 + 40 };
      const piece = board.addNear(id, (middle.x - seen.x) / seen.scale, (middle.y - seen.y) / seen.scale);
      setFresh(piece.key);
      // On a full board, or a small one, the next free place may be out of sight.
      const [x, y] = [piece.x * seen.scale + seen.x, piece.y * seen.scale + seen.y];
      const isSeen = x > 80 && x < element.clientWidth - 80 && y > 60 && y < element.clientHeight - 30;
      if (!isSeen) setView({ ...seen, x: seen.x + middle.x - x, y: seen.y + middle.y - y });
    },
    dragIn: (event, id) => {
      const at = place(event);
      const piece = board.add(id, at.x, at.y);
      requestAnimationFrame(() => drag.begin(event, piece));
    },
  }));

  // React's wheel events cannot keep the browser from zooming the page.
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      setView((before) => {
        if (!before) return before;
        if (event.ctrlKey || Math.abs(event.deltaY) > 30) return zoomed(before, Math.exp(-event.deltaY / 500), x, y);
        return { ...before, x: before.x - event.deltaX, y: before.y - event.deltaY };
      });
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);

  const zoomBy = (factor: number) => {
    const element = area.current;
    if (element && view) setView(zoomed(view, factor, element.clientWidth / 2, element.clientHeight / 2));
  };
  const fit = () => {
    const element = area.current;
    if (!element) return;
    const reachX = Math.max(200, ...pieces.map(({ x }) => Math.abs(x) + 110));
    const reachY = Math.max(150, ...pieces.map(({ y }) => Math.abs(y) + 60));
    const scale = Math.max(0.25, Math.min(1, element.clientWidth / (2 * reachX), element.clientHeight / (2 * reachY)));
    setView({ x: element.clientWidth / 2, y: element.clientHeight / 2 + 20, scale });
  };

  const onPieceKey = (event: React.KeyboardEvent, piece: Piece) => {
    const step = nudge[event.key];
    if (step) void drop(piece.key, piece.x + step[0], piece.y + step[1]);
    else if (event.key === 'Delete' || event.key === 'Backspace') board.remove(piece.key);
    else if (event.key === 'd') board.addNear(piece.id, piece.x, piece.y);
    else if (event.key === 'Enter' || event.key === 'i') openCard(piece.id);
    else return;
    event.preventDefault();
  };

  return (
    <div className="h-full">
      <div ref={area} className="board relative h-full touch-none overflow-hidden" {...pan}>
        <Dots view={seen} />
        <ul
          ref={layer}
          aria-label="Pieces on the board. Enter opens one, arrows move it onto others, D doubles it, Delete removes it."
          className="absolute top-0 left-0"
          style={{ transform: `translate(${seen.x}px, ${seen.y}px) scale(${seen.scale})` }}
        >
          {view && (
            <Pieces
              pieces={pieces}
              book={game.book}
              fresh={fresh}
              shaken={shaken}
              onPointerDown={drag.begin}
              onOpen={openCard}
              onKeyDown={onPieceKey}
            />
          )}
        </ul>
      </div>
      {pieces.length === 0 && (
        <p className="pointer-events-none absolute inset-x-6 top-1/2 text-center text-sm text-balance text-muted">
          {isTouch
            ? 'Pick two in the list. What comes of them lands here, where it can be dragged onto others.'
            : 'Drag concepts here from the list and drop one on another, or just pick two in the list.'}
        </p>
      )}
      <div className="absolute right-2 bottom-2 flex rounded-xl border border-line bg-surface shadow-float">
        <IconButton icon={Minus} label="Zoom out" onClick={() => zoomBy(1 / 1.25)} className="max-sm:hidden" />
        <IconButton icon={Plus} label="Zoom in" onClick={() => zoomBy(1.25)} className="max-sm:hidden" />
        <IconButton icon={Maximize} label="Show all" onClick={fit} />
        <IconButton
          icon={Grid2x2}
          label="Arrange"
          onClick={() => {
            board.arrange((area.current?.clientWidth ?? 800) / Math.min(1, seen.scale));
            requestAnimationFrame(fit);
          }}
        />
        <IconButton icon={Trash2} label="Clear the board" onClick={() => board.clear()} />
      </div>
    </div>
  );
}

const spacing = 28;

/** The pattern behind the pieces. It repeats, so that it only ever moves by less than one of its squares. */
function Dots({ view }: { view: View }) {
  const square = spacing * view.scale;
  return (
    <div
      aria-hidden
      className="dots absolute"
      style={{
        inset: -square,
        backgroundSize: `${square}px ${square}px`,
        transform: `translate(${view.x % square}px, ${view.y % square}px)`,
      }}
    />
  );
}

/**
 * While the view moves, the pieces are one picture that is moved and scaled; painted anew, and sharp at its new size,
 * when it has come to rest.
 */
function useLayer(view: View | null) {
  const layer = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const element = layer.current;
    if (!element) return;
    element.classList.add('moving');
    const timer = setTimeout(() => element.classList.remove('moving'), 200);
    return () => clearTimeout(timer);
  }, [view]);
  return layer;
}

interface PiecesProps extends Omit<PieceProps, 'piece' | 'concept' | 'isFresh' | 'isShaken'> {
  pieces: readonly Piece[];
  book: Book;
  fresh: number | null;
  shaken: readonly number[];
}

/** Not rendered again while only the view changes. */
const Pieces = memo(
  function Pieces({ pieces, book, fresh, shaken, ...handlers }: PiecesProps) {
    return pieces.map((piece) => {
      const concept = book.concepts.get(piece.id);
      if (!concept) return null;
      return (
        <PieceView
          key={piece.key}
          piece={piece}
          concept={concept}
          isFresh={piece.key === fresh}
          isShaken={shaken.includes(piece.key)}
          {...handlers}
        />
      );
    });
  },
  (before, after) =>
    before.pieces === after.pieces &&
    before.book === after.book &&
    before.fresh === after.fresh &&
    before.shaken === after.shaken &&
    before.onPointerDown === after.onPointerDown,
);

interface PieceProps {
  piece: Piece;
  concept: Concept;
  isFresh: boolean;
  isShaken: boolean;
  onPointerDown: (event: PointerEvent, piece: Piece) => void;
  onOpen: (id: Id) => void;
  onKeyDown: (event: React.KeyboardEvent, piece: Piece) => void;
}

const at = (x: number, y: number) => `translate(${x}px, ${y}px) translate(-50%, -50%)`;

const PieceView = memo(
  function PieceView({ piece, concept, isFresh, isShaken, onPointerDown, onOpen, onKeyDown }: PieceProps) {
    return (
      <li data-key={piece.key} className="absolute" style={{ transform: at(piece.x, piece.y) }}>
        <button
          type="button"
          onPointerDown={(event) => onPointerDown(event, piece)}
          onDoubleClick={() => onOpen(piece.id)}
          onContextMenu={(event) => {
            event.preventDefault();
            // A finger that rests is about to drag.
            if ((event.nativeEvent as globalThis.PointerEvent).pointerType !== 'touch') session.board.remove(piece.key);
          }}
          onAuxClick={({ button }) => button === 1 && session.board.addNear(piece.id, piece.x, piece.y)}
          onKeyDown={(event) => onKeyDown(event, piece)}
          className={`piece flex h-11 cursor-grab items-center gap-2 rounded-full border border-line bg-surface px-4 text-sm font-medium whitespace-nowrap shadow-sm select-none ${isFresh ? 'pop' : ''} ${isShaken ? 'shake' : ''}`}
        >
          <Emoji className="text-base">{concept.emoji}</Emoji>
          {concept.name}
        </button>
      </li>
    );
  },
  (before, after) =>
    before.piece === after.piece &&
    before.isFresh === after.isFresh &&
    before.isShaken === after.isShaken &&
    before.onPointerDown === after.onPointerDown,
);

/** Drags a piece without rendering: only its own transform changes until it is dropped. */
function useDrag(
  area: RefObject<HTMLDivElement | null>,
  scale: number,
  onDrop: (key: number, x: number, y: number) => Promise<void>,
) {
  const latest = useRef({ scale, onDrop });
  latest.current = { scale, onDrop };
  const begin = useCallback(
    (event: { pointerId: number; clientX: number; clientY: number; stopPropagation?: () => void }, piece: Piece) => {
      event.stopPropagation?.();
      const element = area.current?.querySelector<HTMLElement>(`[data-key="${piece.key}"]`);
      if (!element) return;
      const { pointerId, clientX, clientY } = event;
      let [x, y] = [piece.x, piece.y];
      let hasMoved = false;
      let target: HTMLElement | null = null;
      const mark = (next: HTMLElement | null) => {
        if (next === target) return;
        target?.classList.remove('magnet');
        next?.classList.add('magnet');
        target = next;
      };
      const onMove = (move: globalThis.PointerEvent) => {
        if (move.pointerId !== pointerId) return;
        const [dx, dy] = [move.clientX - clientX, move.clientY - clientY];
        if (!hasMoved && Math.hypot(dx, dy) < 4) return;
        hasMoved = true;
        x = piece.x + dx / latest.current.scale;
        y = piece.y + dy / latest.current.scale;
        element.style.transform = at(x, y);
        element.classList.add('dragged');
        const near = nearest(session.board.pieces.get(), x, y, piece.key);
        mark(near ? (area.current?.querySelector<HTMLElement>(`[data-key="${near.key}"]`) ?? null) : null);
      };
      const end = (up: globalThis.PointerEvent) => {
        if (up.pointerId !== pointerId) return;
        window.removeEventListener('pointermove', onMove);
        window.removeEventListener('pointerup', end);
        window.removeEventListener('pointercancel', end);
        element.classList.remove('dragged');
        mark(null);
        if (!hasMoved) return;
        const box = area.current?.getBoundingClientRect();
        const isOutside = box && (up.clientX > box.right || up.clientY > box.bottom || up.clientX < box.left);
        if (isOutside) session.board.remove(piece.key);
        else void latest.current.onDrop(piece.key, x, y);
      };
      window.addEventListener('pointermove', onMove);
      window.addEventListener('pointerup', end);
      window.addEventListener('pointercancel', end);
    },
    [area],
  );
  return { begin };
}

/** One pointer on the empty board moves it, two zoom it. */
function usePan(setView: (change: (view: View | null) => View | null) => void) {
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const end = (event: PointerEvent) => void pointers.current.delete(event.pointerId);
  return {
    onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    onPointerMove: (event: PointerEvent<HTMLDivElement>) => {
      const before = pointers.current.get(event.pointerId);
      if (!before) return;
      const now = { x: event.clientX, y: event.clientY };
      pointers.current.set(event.pointerId, now);
      const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
      const box = event.currentTarget.getBoundingClientRect();
      setView((view) => {
        if (!view) return view;
        if (!other) return { ...view, x: view.x + now.x - before.x, y: view.y + now.y - before.y };
        const factor =
          Math.hypot(now.x - other.x, now.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y);
        const middle = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
        return Number.isFinite(factor) ? zoomed(view, factor, middle.x, middle.y) : view;
      });
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
}
