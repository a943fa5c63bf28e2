import { Maximize, Minus, Plus } from 'lucide-react';
import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { IconButton } from '@/ui/IconButton';
import { zoomed, type View } from './board';
import { hasEmoji } from './Emoji';
import type { Game } from './game';
import { layout, type Link, type Node } from './map';
import { useCard } from './useCard';

const readable = 0.9;
const smallest = 0.1;

/** How each discovery was made from others. */
export default function MapView({ game }: { game: Game }) {
  const { nodes, links } = useMemo(() => layout(game.state.discovered), [game.state.discovered]);
  const area = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>({ x: 0, y: 0, scale: 1 });
  const drag = useRef<{ x: number; y: number } | null>(null);

  const fit = useCallback(
    (least: number) => {
      const element = area.current;
      if (!element) return;
      const [left, right] = [Math.min(...nodes.map(({ x }) => x)) - 100, Math.max(...nodes.map(({ x }) => x)) + 100];
      const height = 2 * Math.max(...nodes.map(({ y }) => Math.abs(y))) + 100;
      const scale = Math.max(least, Math.min(1, element.clientWidth / (right - left), element.clientHeight / height));
      const isWider = scale * (right - left) > element.clientWidth; // then the newest are shown
      const x = isWider ? element.clientWidth - scale * right : element.clientWidth / 2 - (scale * (left + right)) / 2;
      setView({ x, y: element.clientHeight / 2, scale });
    },
    [nodes],
  );
  useEffect(() => fit(readable), [fit]);
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      setView((before) =>
        zoomed(before, Math.exp(-event.deltaY / 500), event.clientX - box.left, event.clientY - box.top),
      );
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);
  const zoomBy = (factor: number) => {
    const element = area.current;
    if (element) setView(zoomed(view, factor, element.clientWidth / 2, element.clientHeight / 2));
  };

  return (
    <div className="relative h-full">
      <div
        ref={area}
        className="h-full touch-none overflow-hidden"
        onPointerDown={(event) => {
          if ((event.target as Element).closest('[role=button]')) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          drag.current = { x: event.clientX - view.x, y: event.clientY - view.y };
        }}
        onPointerMove={(event) => {
          const from = drag.current;
          if (from) setView((before) => ({ ...before, x: event.clientX - from.x, y: event.clientY - from.y }));
        }}
        onPointerUp={() => (drag.current = null)}
        onPointerCancel={() => (drag.current = null)}
      >
        <svg className="size-full" aria-label="Discoveries and what they were made from">
          <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
            <Links nodes={nodes} links={links} />
            {nodes.map((node) => (
              <NodeView key={node.id} node={node} game={game} />
            ))}
          </g>
        </svg>
      </div>
      <div className="absolute right-2 bottom-2 flex rounded-xl border border-line bg-surface shadow-float">
        <IconButton icon={Minus} label="Zoom out" onClick={() => zoomBy(1 / 1.3)} />
        <IconButton icon={Plus} label="Zoom in" onClick={() => zoomBy(1.3)} />
        <IconButton icon={Maximize} label="Show all" onClick={() => fit(smallest)} />
      </div>
    </div>
  );
}

const Links = memo(function Links({ nodes, links }: { nodes: Node[]; links: Link[] }) {
  const places = new Map(nodes.map((node) => [node.id, node]));
  return (
    <g fill="none" className="stroke-line-strong" strokeOpacity="0.45">
      {links.map(({ from, to }) => {
        const [a, b] = [places.get(from), places.get(to)];
        if (!a || !b) return null;
        const middle = (a.x + b.x) / 2;
        return <path key={`${from} ${to}`} d={`M${a.x} ${a.y}C${middle} ${a.y} ${middle} ${b.y} ${b.x} ${b.y}`} />;
      })}
    </g>
  );
});

const NodeView = memo(function NodeView({ node, game }: { node: Node; game: Game }) {
  const [, openCard] = useCard();
  const concept = game.book.concepts.get(node.id);
  const name = concept?.name ?? node.id;
  const shown = name.length > 20 ? `${name.slice(0, 19)}…` : name;
  return (
    <g
      role="button"
      tabIndex={0}
      aria-label={name}
      transform={`translate(${node.x} ${node.y})`}
      onClick={() => openCard(node.id)}
      onKeyDown={(event) => event.key === 'Enter' && openCard(node.id)}
      className="cursor-pointer"
    >
      <rect x="-84" y="-16" width="168" height="32" rx="16" className="fill-surface stroke-line hover:stroke-accent" />
      <text textAnchor="middle" dy="0.35em" className="fill-ink text-xs">
        {hasEmoji && concept?.emoji} {shown}
      </text>
    </g>
  );
});
