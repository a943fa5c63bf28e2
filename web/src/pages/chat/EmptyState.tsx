import { ArrowUpRight } from 'lucide-react';
import { examples } from './examples';

export function EmptyState({ onAsk }: { onAsk: (question: string) => void }) {
  return (
    <div className="mx-auto flex min-h-full w-full max-w-3xl flex-col justify-end px-4 pt-10 pb-6 sm:justify-center sm:px-6">
      <h2 className="text-2xl font-semibold tracking-tight text-balance sm:text-3xl">
        Ask, and watch the milliseconds.
      </h2>
      <p className="mt-3 max-w-lg leading-relaxed text-pretty text-muted">
        The model runs on this machine. Under each answer you see where its time went: waiting, reading your question,
        the first token, writing the rest.
      </p>
      <ul className="mt-8 grid gap-2 sm:grid-cols-2">
        {examples.map((question) => (
          <li key={question}>
            <button
              type="button"
              onClick={() => onAsk(question)}
              className="group flex h-full w-full items-start justify-between gap-3 rounded-xl border border-line bg-surface px-4 py-3 text-left text-sm leading-snug transition-colors hover:border-accent-mid hover:bg-accent-soft"
            >
              {question}
              <ArrowUpRight aria-hidden className="size-4 shrink-0 text-muted group-hover:text-accent" />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
