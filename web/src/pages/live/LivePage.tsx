import { Pause, Play } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import paths from '@/app/paths.json';
import type { Sample, Stats } from '@/api/stats';
import { bytes, milliseconds, percent, whole } from '@/lib/format';
import { Button } from '@/ui/Button';
import { PageBar } from '@/ui/PageBar';
import { Chart } from './Chart';
import { isQuiet } from './series';
import { useStats } from './useStats';

/** What the server is doing, second by second. */
export default function LivePage() {
  const [isPaused, setPaused] = useState(false);
  const { stats, moments, failure } = useStats(isPaused);
  return (
    <div className="h-full overflow-y-auto" tabIndex={0} role="region" aria-label="Live measurements">
      <PageBar>
        <span className="px-2 text-sm font-medium">Live</span>
        <span className="truncate text-xs text-muted max-sm:hidden">
          {stats && `Tiles over ${whole(stats.window_s)} s, charts over two minutes with percentiles of 5 s`}
        </span>
        <span className="flex-1" />
        <Button icon={isPaused ? Play : Pause} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </Button>
      </PageBar>
      <div className="mx-auto flex max-w-6xl flex-col gap-4 p-4 sm:p-6">
        {failure && (
          <p role="alert" className="rounded-xl bg-danger-soft px-4 py-3 text-sm">
            <span className="font-semibold text-danger">No numbers. </span>
            {failure.kind === 'unreachable'
              ? 'The server does not answer. Start it with ./run in the project’s folder; this page goes on by itself.'
              : failure.message}
          </p>
        )}
        <Tiles stats={stats} />
        {stats && isQuiet(stats) && (
          <p className="rounded-xl bg-accent-soft px-4 py-3 text-sm leading-relaxed">
            All quiet. <InlineLink href={paths.chat}>Ask something in Chat</InlineLink>, or send requests to{' '}
            <code className="font-mono text-xs">{window.location.origin}/v1</code> with any OpenAI client, and watch
            them here.
          </p>
        )}
        <Charts moments={moments} />
        {stats && <Totals stats={stats} />}
      </div>
    </div>
  );
}

function InlineLink({ href, children }: { href: string; children: React.ReactNode }) {
  return (
    <Link href={href} className="font-medium text-accent underline underline-offset-4">
      {children}
    </Link>
  );
}

const orDash = (value: number | null | undefined, format: (value: number) => string) =>
  value === null || value === undefined ? '–' : format(value);

function Tiles({ stats }: { stats: Stats | null }) {
  const tiles = [
    {
      name: 'Running',
      value: orDash(stats?.requests.running, whole),
      note: `${orDash(stats?.requests.queued, whole)} waiting`,
    },
    {
      name: 'Written',
      value: `${orDash(stats?.tokens_s.generated, whole)}`,
      unit: 'tok/s',
      note: `${orDash(stats?.tokens_s.prompt, whole)} tok/s read`,
    },
    {
      name: 'First token, median',
      value: orDash(stats?.ttft_ms.p50, milliseconds),
      note: `p99 ${orDash(stats?.ttft_ms.p99, milliseconds)}`,
    },
    {
      name: 'Prompt from cache',
      value: orDash(stats?.prefix_cache.hit_rate, percent),
      note: `${orDash(stats?.prefix_cache.used_bytes, bytes)} in memory`,
    },
  ];
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      {tiles.map(({ name, value, unit, note }) => (
        <div key={name} className="rounded-2xl border border-line bg-surface px-4 py-3">
          <dt className="truncate text-xs text-muted">{name}</dt>
          <dd className="mt-1 text-2xl font-semibold tracking-tight tabular-nums">
            {value}
            {unit && <span className="ml-1.5 text-sm font-normal text-muted">{unit}</span>}
          </dd>
          <dd className="text-xs text-muted tabular-nums">{note}</dd>
        </div>
      ))}
    </dl>
  );
}

function Charts({ moments }: { moments: readonly Sample[] }) {
  const times = moments.map(({ time }) => time);
  const of = (field: Exclude<keyof Sample, 'time'>) => moments.map((moment) => moment[field]);
  return (
    <div className="grid gap-4 md:grid-cols-2">
      <Chart
        title="Time to first token"
        times={times}
        format={milliseconds}
        atLeast={120}
        mark={{ value: 100, label: '100 ms' }}
        lines={[
          { label: 'p50', look: 'main', values: of('ttft_p50_ms') },
          { label: 'p90', look: 'second', values: of('ttft_p90_ms') },
          { label: 'p99', look: 'third', values: of('ttft_p99_ms') },
        ]}
      />
      <Chart
        title="Between tokens"
        times={times}
        format={milliseconds}
        atLeast={2}
        lines={[
          { label: 'p50', look: 'main', values: of('inter_token_p50_ms') },
          { label: 'p99', look: 'second', values: of('inter_token_p99_ms') },
        ]}
      />
      <Chart
        title="Tokens per second"
        times={times}
        format={whole}
        atLeast={10}
        lines={[
          { label: 'written', look: 'main', values: of('generated_tok_s') },
          { label: 'read', look: 'second', values: of('prompt_tok_s') },
        ]}
      />
      <Chart
        title="Requests"
        times={times}
        format={whole}
        atLeast={4}
        lines={[
          { label: 'running', look: 'main', values: of('running') },
          { label: 'waiting', look: 'second', values: of('queued') },
        ]}
      />
      <Chart
        title="Sequences in a step"
        times={times}
        format={(value) => value.toFixed(value < 10 ? 1 : 0)}
        atLeast={4}
        lines={[{ label: 'mean', look: 'main', values: of('batch') }]}
      />
      <Chart
        title="Prompt tokens from cache"
        times={times}
        format={percent}
        atLeast={1}
        lines={[{ label: 'share', look: 'main', values: of('cache_hit_rate') }]}
      />
    </div>
  );
}

function Totals({ stats }: { stats: Stats }) {
  const { requests, tokens, memory, prefix_cache: cache } = stats;
  const rows: [string, string][] = [
    ['Answered', whole(requests.completed)],
    ['Cancelled', whole(requests.cancelled)],
    ['Failed', whole(requests.failed)],
    ['Refused as too many', whole(requests.rejected)],
    ['Tokens read', whole(tokens.prompt)],
    ['Tokens written', whole(tokens.generated)],
    ['Tokens from cache', whole(cache.cached_tokens)],
    ['Cache on disk', bytes(cache.disk_bytes)],
    ['Cache in memory', `${bytes(cache.used_bytes)} of ${bytes(cache.capacity_bytes)}`],
    ['Weights', bytes(memory.weights_bytes)],
    ['Memory', `${bytes(memory.rss_bytes)}, at most ${bytes(memory.peak_rss_bytes)}`],
    ['Running for', duration(stats.uptime_s)],
  ];
  return (
    <section aria-label="Since the start" className="rounded-2xl border border-line bg-surface p-4">
      <h2 className="text-sm font-semibold">Since the start</h2>
      <dl className="mt-2 grid gap-x-8 sm:grid-cols-2 lg:grid-cols-3">
        {rows.map(([name, value]) => (
          <div key={name} className="flex justify-between gap-4 border-b border-line py-1.5 text-sm">
            <dt className="text-muted">{name}</dt>
            <dd className="text-right tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}
