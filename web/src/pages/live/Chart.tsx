import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useIsDark } from '@/app/theme';
import { windowSeconds } from './series';

export interface Line {
  label: string;
  values: readonly (number | null)[];
  /** The first of a chart is the accent; others are drawn calmer. */
  look: 'main' | 'second' | 'third';
}

interface Props {
  title: string;
  times: readonly number[];
  lines: readonly Line[];
  format: (value: number) => string;
  /** The axis reaches at least this far. */
  atLeast: number;
  /** A horizontal line to compare with. */
  mark?: { value: number; label: string };
}

const heightPx = 148;

/** The last two minutes of a few numbers, with what they are now as text. */
export function Chart({ title, times, lines, format, atLeast, mark }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const isDark = useIsDark();
  const data = [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  const shape = lines.map(({ label, look }) => `${label}:${look}`).join();

  // Made anew only for other lines or another theme; data goes in below.
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = new uPlot(
      options(element, shape.split(',').map(parseShape), format, atLeast, mark),
      latest.current,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, isDark]);
  useEffect(() => plot.current?.setData(data), [data]);

  const now = lines.map(({ label, values }) => ({ label, value: values.at(-1) ?? null }));
  const summary = now.map(({ label, value }) => `${label} ${value === null ? 'none' : format(value)}`).join(', ');
  return (
    <figure className="min-w-0 rounded-2xl border border-line bg-surface p-4">
      <figcaption>
        <h2 className="text-sm font-semibold">{title}</h2>
        <ul className="mt-1 flex flex-wrap gap-x-4 text-xs text-muted">
          {now.map(({ label, value }, i) => (
            <li key={label} className="flex items-center gap-1.5">
              <Key look={lines[i]?.look ?? 'main'} />
              {label}
              <span className="font-medium text-ink tabular-nums">{value === null ? '–' : format(value)}</span>
            </li>
          ))}
        </ul>
      </figcaption>
      <div
        ref={holder}
        role="img"
        aria-label={`${title}, the last two minutes. Now: ${summary}.`}
        style={{ height: heightPx }}
        className="mt-1 -ml-1 overflow-hidden"
      />
    </figure>
  );
}

function parseShape(text: string): Pick<Line, 'label' | 'look'> {
  const colon = text.lastIndexOf(':');
  return { label: text.slice(0, colon), look: text.slice(colon + 1) as Line['look'] };
}

function Key({ look }: { look: Line['look'] }) {
  const dash = { main: undefined, second: '5 3', third: '1.5 3' }[look];
  return (
    <svg aria-hidden viewBox="0 0 14 4" className="w-3.5">
      <path
        d="M0 2h14"
        strokeWidth="2"
        strokeDasharray={dash}
        className={look === 'main' ? 'stroke-accent' : 'stroke-muted'}
      />
    </svg>
  );
}

function options(
  element: HTMLElement,
  lines: Pick<Line, 'label' | 'look'>[],
  format: (value: number) => string,
  atLeast: number,
  mark: Props['mark'],
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => resolved(element, style.getPropertyValue(name));
  const [accent, soft, muted, line, surface] = ['--accent', '--accent-soft', '--muted', '--line', '--surface'].map(
    colour,
  );
  const font = `11px ${style.fontFamily}`;
  return {
    width: element.clientWidth,
    height: heightPx,
    padding: [8, 4, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: { time: false, range: (_, __, max) => [max - windowSeconds, max] },
      y: { range: (_, __, max) => [0, Math.max(atLeast, 1.12 * (max ?? 0))] },
    },
    axes: [
      {
        font,
        stroke: muted ?? '',
        size: 22,
        gap: 2,
        grid: { show: false },
        ticks: { show: false },
        splits: (_, __, ___, max) => [max - 90, max - 60, max - 30],
        values: (plot, splits) => splits.map((at) => `${Math.round(at - (plot.scales['x']?.max ?? 0))} s`),
      },
      {
        font,
        stroke: muted ?? '',
        size: 54,
        gap: 4,
        grid: { stroke: line ?? '', width: 1 },
        ticks: { show: false },
        space: 34,
        values: (_, splits) => splits.map(format),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, look }) => ({
        label,
        width: look === 'main' ? 2 : 1.5,
        stroke: (look === 'main' ? accent : muted) ?? '',
        ...(look === 'main' && lines.length < 3 ? { fill: soft ?? '' } : {}),
        ...(look === 'second' ? { dash: [5, 3] } : look === 'third' ? { dash: [1.5, 3] } : {}),
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: mark
      ? {
          draw: [
            (plot) => {
              const y = plot.valToPos(mark.value, 'y', true);
              const { left, top, width, height } = plot.bbox;
              if (y < top || y > top + height) return;
              plot.ctx.save();
              plot.ctx.strokeStyle = muted ?? '';
              plot.ctx.fillStyle = muted ?? '';
              plot.ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
              plot.ctx.beginPath();
              plot.ctx.moveTo(left, y);
              plot.ctx.lineTo(left + width, y);
              plot.ctx.stroke();
              plot.ctx.font = `${11 * devicePixelRatio}px ${style.fontFamily}`;
              plot.ctx.textAlign = 'right';
              plot.ctx.textBaseline = 'bottom';
              // Its edge keeps it readable on the newest numbers, which are drawn there.
              plot.ctx.setLineDash([]);
              plot.ctx.lineJoin = 'round';
              plot.ctx.lineWidth = 4 * devicePixelRatio;
              plot.ctx.strokeStyle = surface ?? '';
              plot.ctx.strokeText(mark.label, left + width, y - 2 * devicePixelRatio);
              plot.ctx.fillText(mark.label, left + width, y - 2 * devicePixelRatio);
              plot.ctx.restore();
            },
          ],
        }
      : {},
  };
}

/** A canvas does not know light-dark(): the element's own computed colour does. */
function resolved(element: HTMLElement, value: string): string {
  const before = element.style.color;
  element.style.color = value;
  const computed = getComputedStyle(element).color;
  element.style.color = before;
  return computed;
}
