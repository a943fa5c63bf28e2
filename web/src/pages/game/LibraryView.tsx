import { ArrowLeft, Search } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { asFailure } from '@/api/errors';
import { Button } from '@/ui/Button';
import * as api from './api';
import { Emoji } from './Emoji';
import type { Game } from './game';
import { documentText, excerpt } from './texts';
import type { Concept, Id } from './types';
import { useCard } from './useCard';

const DocumentView = lazy(() => import('./DocumentView'));

/** What there is to read: research documents, and the cards of what was discovered. */
export default function LibraryView({ game }: { game: Game }) {
  const [documents, setDocuments] = useState<{ id: Id; title: string; bytes: number }[]>([]);
  const [open, setOpen] = useState<Id | null>(null);
  const [query, setQuery] = useState('');
  const [texts, setTexts] = useState<ReadonlyMap<Id, string>>(new Map());
  const [problem, setProblem] = useState('');
  const [, openCard] = useCard();
  useEffect(() => {
    api.fetchDocuments().then(
      ({ documents: all }) => setDocuments(all),
      (thrown) => setProblem(asFailure(thrown).message),
    );
  }, []);
  const cards = useMemo(
    () => game.state.discovered.flatMap(({ id }) => game.book.concepts.get(id) ?? []),
    [game.state.discovered, game.book],
  );
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const foundCards =
    words.length === 0 ? cards : cards.filter((concept) => words.every((word) => textOf(concept).includes(word)));
  const isSearching = words.length > 0;
  // What is searched is read first, when somebody searches.
  useEffect(() => {
    if (!isSearching) return;
    for (const { id } of documents)
      documentText(id).then(
        (text) => setTexts((before) => new Map(before).set(id, text)),
        (thrown) => setProblem(asFailure(thrown).message),
      );
  }, [isSearching, documents]);
  const foundDocuments = documents.flatMap((document) => {
    const found = isSearching ? excerpt(texts.get(document.id) ?? document.title, words) : '';
    return found === null ? [] : [{ ...document, found }];
  });

  if (open !== null) {
    return (
      <div className="h-full overflow-y-auto" tabIndex={0} role="region" aria-label="Document">
        <div className="mx-auto max-w-3xl p-4 sm:p-6">
          <h2 className="sr-only">Document</h2>
          <Button icon={ArrowLeft} onClick={() => setOpen(null)}>
            All documents
          </Button>
          <Suspense>
            <DocumentView id={open} />
          </Suspense>
        </div>
      </div>
    );
  }
  return (
    <div className="h-full overflow-y-auto" tabIndex={0} role="region" aria-label="Library">
      <div className="mx-auto flex max-w-3xl flex-col gap-6 p-4 sm:p-6">
        <label className="relative block">
          <span className="sr-only">Search the library</span>
          <Search aria-hidden className="absolute top-3 left-3.5 size-4 text-muted" />
          <input
            type="search"
            value={query}
            placeholder="Search what you may read"
            onChange={(event) => setQuery(event.target.value)}
            className="h-10 w-full rounded-xl border border-line bg-surface pl-10 text-base placeholder:text-muted"
          />
        </label>
        {problem && <p role="alert">{problem}</p>}
        {foundDocuments.length > 0 && (
          <section aria-labelledby="documents">
            <h2 id="documents" className="text-lg font-semibold">
              Documents
            </h2>
            <ul className="mt-2 flex flex-col">
              {foundDocuments.map(({ id, title, bytes, found }) => (
                <li key={id}>
                  <button
                    type="button"
                    onClick={() => setOpen(id)}
                    className="flex w-full justify-between gap-4 border-b border-line py-2.5 text-left hover:text-accent"
                  >
                    <span className="min-w-0">
                      {title}
                      {found && <span className="block text-sm text-muted">{found}</span>}
                    </span>
                    <span className="shrink-0 text-sm text-muted">{Math.max(1, Math.round(bytes / 1200))} min</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        )}
        <section aria-labelledby="cards">
          <h2 id="cards" className="text-lg font-semibold">
            Your concepts
          </h2>
          <ul className="mt-2 flex flex-col">
            {foundCards.map((concept) => (
              <li key={concept.id}>
                <button
                  type="button"
                  onClick={() => openCard(concept.id)}
                  className="group flex w-full gap-3 border-b border-line py-2.5 text-left"
                >
                  <Emoji>{concept.emoji}</Emoji>
                  <span className="min-w-0">
                    <span className="block font-medium group-hover:text-accent">{concept.name}</span>
                    <span className="block text-sm text-muted">{concept.what}</span>
                  </span>
                </button>
              </li>
            ))}
            {foundCards.length === 0 && <li className="py-2 text-sm text-muted">Nothing of yours has these words.</li>}
          </ul>
        </section>
      </div>
    </div>
  );
}

const textOf = ({ name, aliases, what, why }: Concept) => [name, ...aliases, what, why].join(' ').toLowerCase();
