import { ExternalLink, FlaskConical, Lightbulb, Plus } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/CopyButton';
import { Dialog } from '@/ui/Dialog';
import { Emoji } from './Emoji';
import { session, type Game } from './game';
import type { Concept, Id, Mastery } from './types';
import { useCard } from './useCard';

const masteries: Record<Mastery, string> = {
  new: 'new to you',
  learning: 'learning',
  known: 'known',
  mastered: 'mastered',
};

/** All there is to know of a concept. */
export function CardDialog({ concept, game, onClose }: { concept: Concept; game: Game; onClose: () => void }) {
  const { book, state, known } = game;
  const found = state.discovered.find(({ id }) => id === concept.id);
  const taken = state.challenges.find((one) => one.concept === concept.id);
  const ways = found?.ways ?? [];
  const isTried = (ingredients: Id[]) => ways.some((way) => [...way].sort().join() === [...ingredients].sort().join());
  const made = concept.recipes.filter(({ ingredients }) => isTried(ingredients));
  const uses = book.uses.get(concept.id) ?? [];
  const openUses = uses.filter(({ result }) => known.has(result));
  const category = book.content.categories.find(({ id }) => id === concept.category);
  const next = book.concepts.get(concept.next_bottleneck);

  return (
    <Dialog title={concept.name} side="right" onClose={onClose}>
      <div
        className="flex-1 overflow-y-auto px-5 py-5 text-[0.9375rem] leading-relaxed"
        tabIndex={0}
        role="region"
        aria-label={concept.name}
      >
        <p className="text-xs text-muted">
          <Emoji className="mr-2 text-2xl">{concept.emoji}</Emoji>
          {category?.name} · module {concept.module} · difficulty {concept.difficulty} of 5
          {found && ` · ${masteries[found.mastery]}`}
        </p>
        <p className="mt-4">{concept.what}</p>
        <Button
          icon={Plus}
          className="mt-3"
          onClick={() => {
            session.board.addNear(concept.id, 0, 0);
            onClose();
          }}
        >
          Put on the board
        </Button>
        <Part title="Why it works">{concept.why}</Part>
        <Part title="What it costs">{concept.cost}</Part>
        <Part title="When not">{concept.when_not}</Part>
        {concept.failure_modes.length > 0 && <Points title="How it goes wrong" items={concept.failure_modes} />}
        {concept.complexity && <Part title="Complexity">{concept.complexity}</Part>}
        {concept.figures.length > 0 && (
          <Section title="Figures">
            <ul className="flex flex-col gap-2">
              {concept.figures.map(({ value, source }) => (
                <li key={value}>
                  {value} <span className="block text-xs text-muted">{source}</span>
                </li>
              ))}
            </ul>
          </Section>
        )}
        <Part title="Where else">{concept.generalizes}</Part>
        <Section title="The next bottleneck">
          {next ? <ConceptLink id={next.id} game={game} /> : concept.next_bottleneck}
        </Section>
        {concept.papers.length > 0 && (
          <Section title="Papers">
            <ul className="flex flex-col gap-1.5">
              {concept.papers.map(({ title, year, arxiv }) => (
                <li key={title}>
                  {arxiv ? (
                    <a
                      href={`https://arxiv.org/abs/${arxiv}`}
                      target="_blank"
                      rel="noreferrer noopener"
                      className="text-accent underline underline-offset-4"
                    >
                      {title}
                      <ExternalLink aria-hidden className="ml-1 inline size-3.5" />
                    </a>
                  ) : (
                    title
                  )}{' '}
                  <span className="text-xs text-muted">{year}</span>
                </li>
              ))}
            </ul>
          </Section>
        )}
        {concept.prerequisites.length > 0 && (
          <Section title="Builds on">
            <Row ids={concept.prerequisites} game={game} />
          </Section>
        )}
        {!concept.start && (
          <Section title="Made by">
            <Recipes recipes={made} game={game} />
            <Rest count={concept.recipes.length - made.length} one="way" />
          </Section>
        )}
        <Section title="Used for">
          <Row ids={[...new Set(openUses.map(({ result }) => result))]} game={game} />
          <Rest
            count={new Set(uses.filter(({ result }) => !known.has(result)).map(({ result }) => result)).size}
            one="use"
          />
        </Section>
        {concept.code.length > 0 && (
          <Section title="In this project">
            <ul className="font-mono text-xs">
              {concept.code.map((path) => (
                <li key={path}>{path}</li>
              ))}
            </ul>
          </Section>
        )}
        {concept.try && (
          <Section title="Try it">
            <p className="flex items-center gap-2">
              <code className="min-w-0 font-mono text-xs break-words">{concept.try}</code>
              <CopyButton text={concept.try} label="Copy the command" />
            </p>
          </Section>
        )}
        {concept.challenge && (
          <Section title="Run the experiment">
            <p className="mb-2">{concept.challenge.question}</p>
            {session.hasExperiments && !game.isOffline ? (
              <Button icon={FlaskConical} onClick={() => session.challenge.set(concept.id)}>
                {taken ? `Measured: ${taken.text}. Measure again` : 'Predict and measure'}
              </Button>
            ) : (
              <p className="text-sm text-muted">
                {game.isOffline
                  ? 'This needs the server.'
                  : `This server measures nothing for its players. On a machine of yours: speedwins game, then “measure ${concept.name}”.`}
              </p>
            )}
          </Section>
        )}
        {!game.isOffline && (
          <Section title="Check yourself">
            <Button
              onClick={() => {
                onClose();
                void session.startQuiz(`concept:${concept.id}`);
              }}
            >
              Five questions about it
            </Button>
          </Section>
        )}
      </div>
    </Dialog>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="mt-5">
      <h3 className="mb-1 text-xs font-semibold text-muted">{title}</h3>
      {children}
    </section>
  );
}

const Part = ({ title, children }: { title: string; children: string }) => (
  <Section title={title}>
    <p>{children}</p>
  </Section>
);

const Points = ({ title, items }: { title: string; items: string[] }) => (
  <Section title={title}>
    <ul className="list-disc pl-5">
      {items.map((item) => (
        <li key={item}>{item}</li>
      ))}
    </ul>
  </Section>
);

const Rest = ({ count, one }: { count: number; one: string }) =>
  count > 0 && <p className="mt-1.5 text-sm text-muted">{`${count} more ${one}${count === 1 ? '' : 's'} to find`}</p>;

function Recipes({ recipes, game }: { recipes: Concept['recipes']; game: Game }) {
  return (
    <ul className="flex flex-col gap-2">
      {recipes.map(({ ingredients, why }) => (
        <li key={ingredients.join()}>
          {ingredients.map((id) => game.book.name(id)).join(' + ')}
          <span className="block text-sm text-muted">{why}</span>
        </li>
      ))}
    </ul>
  );
}

const Row = ({ ids, game }: { ids: Id[]; game: Game }) => (
  <p className="flex flex-wrap gap-1.5">
    {ids.map((id) => (
      <ConceptLink key={id} id={id} game={game} />
    ))}
  </p>
);

/** A concept by name: its card when it was found, a hint towards it when not. */
export function ConceptLink({ id, game }: { id: Id; game: Game }) {
  const [, openCard] = useCard();
  const concept = game.book.concepts.get(id);
  const isKnown = game.known.has(id);
  return (
    <button
      type="button"
      onClick={() => {
        if (isKnown) return openCard(id);
        openCard(null);
        void session.askHint(id);
      }}
      title={isKnown ? undefined : 'Not discovered yet: ask for a hint'}
      className={`inline-flex h-8 items-center gap-1.5 rounded-full border px-3 text-sm ${isKnown ? 'border-line hover:border-accent-mid' : 'border-dashed border-line-strong text-muted hover:text-ink'}`}
    >
      {isKnown ? <Emoji>{concept?.emoji}</Emoji> : <Lightbulb aria-hidden className="size-3.5" />}
      {game.book.name(id)}
    </button>
  );
}
