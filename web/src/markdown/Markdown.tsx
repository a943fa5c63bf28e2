import { lazy, memo, Suspense, useMemo, type ReactNode } from 'react';
import type { Tokens } from 'marked';
import { CopyButton } from '@/ui/CopyButton';
import { closeOpenMarks, parse, safeAddress, unescapeText, type FormulaToken, type Token } from './parse';

const Formula = lazy(() => import('./Formula'));

interface Props {
  source: string;
  kind?: 'chat' | 'page';
  isWriting?: boolean;
}

/**
 * Markdown as React elements. No HTML is ever inserted: tags in the text are shown as text, links go to http, https
 * and mail only, images become links. While it is being written, blocks before the last keep their elements, so that
 * nothing above the end moves.
 */
export function Markdown({ source, kind = 'chat', isWriting = false }: Props) {
  const blocks = useMemo(
    () => parse(isWriting ? closeOpenMarks(source) : source, kind).filter(({ type }) => type !== 'space'),
    [source, kind, isWriting],
  );
  return (
    <div className="markdown">
      {blocks.map((block, i) => (
        <Block key={i} token={block} />
      ))}
    </div>
  );
}

const Block = memo(
  ({ token }: { token: Token }) => <>{renderBlock(token)}</>,
  (before, after) => before.token.type === after.token.type && before.token.raw === after.token.raw,
);

function blocks(tokens: Token[] | undefined): ReactNode {
  return tokens?.map((token, i) => <Block key={i} token={token} />);
}

function renderBlock(token: Token): ReactNode {
  switch (token.type) {
    case 'heading':
      return <Heading depth={(token as Tokens.Heading).depth}>{inline(token)}</Heading>;
    case 'paragraph':
      return <p>{inline(token)}</p>;
    case 'blockquote':
      return <blockquote>{blocks((token as Tokens.Blockquote).tokens)}</blockquote>;
    case 'list':
      return <List list={token as Tokens.List} />;
    case 'code':
      return <Code code={token as Tokens.Code} />;
    case 'table':
      return <Table table={token as Tokens.Table} />;
    case 'formula':
      return formula(token);
    case 'hr':
      return <hr />;
    case 'space':
    case 'def':
      return null;
    default:
      return 'tokens' in token && token.tokens ? inline(token) : unescapeText(token.raw);
  }
}

/** Headings of an answer lie below those of the page. */
function Heading({ depth, children }: { depth: number; children: ReactNode }) {
  const Tag = (['h3', 'h4', 'h5', 'h6'] as const)[Math.min(depth, 4) - 1] ?? 'h6';
  return <Tag>{children}</Tag>;
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, i) => (
    <li key={i}>
      {item.task && <input type="checkbox" checked={item.checked ?? false} readOnly aria-label="done" />}
      {blocks(item.tokens)}
    </li>
  ));
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function Code({ code }: { code: Tokens.Code }) {
  const language = code.lang?.split(/\s/, 1)[0] ?? '';
  return (
    <figure className="code">
      <figcaption>
        <span>{language || 'text'}</span>
        <CopyButton text={code.text} label="Copy code" />
      </figcaption>
      <pre tabIndex={0}>
        <code>{code.text}</code>
      </pre>
    </figure>
  );
}

function Table({ table }: { table: Tokens.Table }) {
  const align = (i: number) => ({ textAlign: table.align[i] ?? 'left' }) as const;
  return (
    <div className="table" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>
            {table.header.map((cell, i) => (
              <th key={i} scope="col" style={align(i)}>
                {inlines(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, r) => (
            <tr key={r}>
              {row.map((cell, i) => (
                <td key={i} style={align(i)}>
                  {inlines(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const inline = (token: Token): ReactNode =>
  'tokens' in token && token.tokens ? inlines(token.tokens) : unescapeText(token.raw);

const inlines = (tokens: Token[]): ReactNode => tokens.map((token, i) => <Inline key={i} token={token} />);

function Inline({ token }: { token: Token }): ReactNode {
  switch (token.type) {
    case 'strong':
      return <strong>{inline(token)}</strong>;
    case 'em':
      return <em>{inline(token)}</em>;
    case 'del':
      return <del>{inline(token)}</del>;
    case 'codespan':
      return <code>{(token as Tokens.Codespan).text}</code>;
    case 'formula':
      return formula(token);
    case 'br':
      return <br />;
    case 'link':
      return <Link href={(token as Tokens.Link).href}>{inline(token)}</Link>;
    case 'image':
      return <Link href={(token as Tokens.Image).href}>{(token as Tokens.Image).text || 'image'}</Link>;
    case 'escape':
    case 'text':
      return 'tokens' in token && token.tokens ? inlines(token.tokens) : unescapeText((token as Tokens.Text).text);
    default:
      return token.raw; // HTML among it: shown, not run
  }
}

function formula(token: Token): ReactNode {
  const { text, isBlock } = token as FormulaToken;
  return (
    <Suspense fallback={<code>{text}</code>}>
      <Formula tex={text} isBlock={isBlock} />
    </Suspense>
  );
}

function Link({ href, children }: { href: string; children: ReactNode }) {
  const address = safeAddress(href);
  if (address === null) return <>{children}</>;
  return (
    <a href={address} rel="noreferrer noopener" target="_blank">
      {children}
    </a>
  );
}
