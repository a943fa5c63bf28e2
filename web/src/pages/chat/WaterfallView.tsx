import type { ReactNode } from 'react';
import type { Timings } from '@/api/chat';
import { milliseconds, percent, plural, whole } from '@/lib/format';
import { budgetMs, type Bar, type Stage, type Waterfall } from './waterfall';

const colours: Record<Stage, string> = {
  tokenize: 'bg-line-strong',
  queue: 'bg-line-strong',
  prefill: 'bg-accent',
  decode: 'bg-accent-mid',
};

const place = ({ left, width }: Bar) => ({ left: `${left}%`, width: `max(2px, ${width}%)` });

/** All stages on one line. */
export function StripView({ chart }: { chart: Waterfall }) {
  return (
    <span aria-hidden className="relative block h-1.5 w-full overflow-hidden rounded-full bg-sunken">
      {chart.bars
        .filter(({ durationMs }) => durationMs > 0)
        .map((bar) => (
          <span key={bar.stage} className={`absolute inset-y-0 ${colours[bar.stage]}`} style={place(bar)} />
        ))}
    </span>
  );
}

const names: Record<Stage, string> = { tokenize: 'Tokenize', queue: 'Queue', prefill: 'Prefill', decode: 'Decode' };

const joined = (...parts: (string | null)[]) => parts.filter((part) => part !== null).join(' · ');

const rate = (tokensPerSecond: number | null) => tokensPerSecond && `${whole(tokensPerSecond)} tok/s`;

/** One line for each stage, below each other as they followed each other. */
export function WaterfallView({ chart, timings }: { chart: Waterfall; timings: Timings }) {
  const { prompt_tokens: prompt, cached_tokens: cached, new_tokens: written } = timings;
  const notes: Partial<Record<Stage, string>> = {
    prefill: joined(
      cached > 0 ? `${whole(cached)} of ${plural(prompt, 'token')} cached` : plural(prompt, 'token'),
      rate(chart.prefillTokensPerSecond) || null,
    ),
    decode: joined(plural(written, 'token'), rate(chart.decodeTokensPerSecond) || null),
  };
  const [decode] = chart.bars.slice(-1);
  return (
    <table className="w-full border-separate border-spacing-y-1 text-xs">
      <caption className="sr-only">Where the time of this answer went</caption>
      <thead>
        <tr>
          <th scope="col" className="w-20">
            <span className="sr-only">Stage</span>
          </th>
          <th scope="col" className={`relative text-left font-normal text-muted ${chart.budget === null ? '' : 'h-4'}`}>
            <span className="sr-only">On the time axis</span>
            {chart.budget !== null && (
              <span
                aria-hidden
                className={`absolute top-0 whitespace-nowrap ${chart.budget > 75 ? '-translate-x-full pr-1' : 'pl-1'}`}
                style={{ left: `${chart.budget}%` }}
              >
                {budgetMs} ms
              </span>
            )}
          </th>
          <th scope="col" className="w-16">
            <span className="sr-only">Time</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {chart.bars.slice(0, -1).map((bar) => (
          <StageRow key={bar.stage} bar={bar} chart={chart} note={notes[bar.stage]} />
        ))}
        <tr className="font-semibold">
          <th scope="row" className="text-left whitespace-nowrap">
            First token
          </th>
          <td>
            <Track chart={chart}>
              <span
                className="absolute top-1/2 size-2.5 -translate-1/2 rotate-45 bg-accent"
                style={{ left: `${chart.firstToken}%` }}
              />
            </Track>
          </td>
          <td className="text-right tabular-nums">{milliseconds(chart.firstTokenMs)}</td>
        </tr>
        {decode && <StageRow bar={decode} chart={chart} note={notes.decode} />}
      </tbody>
    </table>
  );
}

function StageRow({ bar, chart, note }: { bar: Bar; chart: Waterfall; note: string | undefined }) {
  return (
    <tr className="align-top">
      <th scope="row" className="text-left font-normal text-muted">
        {names[bar.stage]}
      </th>
      <td>
        <Track chart={chart}>
          {bar.durationMs > 0 && (
            <span className={`absolute inset-y-0 rounded-xs ${colours[bar.stage]}`} style={place(bar)} />
          )}
        </Track>
        {note && (
          <span className="flex flex-wrap items-center gap-x-2 text-muted">
            {bar.stage === 'prefill' && chart.cachedShare > 0 && <CacheMeter share={chart.cachedShare} />}
            {note}
          </span>
        )}
      </td>
      <td className="text-right tabular-nums">{milliseconds(bar.durationMs)}</td>
    </tr>
  );
}

function Track({ chart, children }: { chart: Waterfall; children: ReactNode }) {
  return (
    <span aria-hidden className="relative my-1 block h-2 rounded-xs bg-sunken">
      {children}
      {chart.budget !== null && (
        <span className="absolute -inset-y-1.5 w-px bg-line-strong" style={{ left: `${chart.budget}%` }} />
      )}
    </span>
  );
}

/** How much of the prompt did not have to be read again. */
function CacheMeter({ share }: { share: number }) {
  return (
    <span
      role="img"
      aria-label={`${percent(share)} of the prompt cached`}
      className="inline-block h-2 w-14 shrink-0 overflow-hidden rounded-full border border-accent-mid"
    >
      <span className="hatched block h-full" style={{ width: percent(share).replace(' ', '') }} />
    </span>
  );
}
