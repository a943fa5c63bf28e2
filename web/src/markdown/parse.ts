import { Marked, type Token, type TokenizerExtension, type TokensList } from 'marked';

const chat = new Marked({ gfm: true, breaks: true });
const page = new Marked({ gfm: true });
page.use({
  extensions: [
    formula('block', /\$\$/, /^\$\$([^$]+)\$\$(?:\n|$)/),
    formula('inline', /\$/, /^\$([^\s$](?:[^$\n]*[^\s$])?)\$(?![\d\w])/),
  ],
});

/** `chat`: a line ends where the writer ended it. `page`: paragraphs flow, and $…$ and $$…$$ are formulas. */
export const parse = (source: string, kind: 'chat' | 'page' = 'chat'): TokensList =>
  (kind === 'chat' ? chat : page).lexer(source);

export interface FormulaToken {
  type: 'formula';
  raw: string;
  text: string;
  isBlock: boolean;
}

function formula(level: 'block' | 'inline', start: RegExp, whole: RegExp): TokenizerExtension {
  return {
    name: 'formula',
    level,
    start: (source) => start.exec(source)?.index,
    tokenizer(source) {
      const [raw, text] = whole.exec(source) ?? [];
      return raw && text ? { type: 'formula', raw, text: text.trim(), isBlock: level === 'block' } : undefined;
    },
  };
}

/**
 * Markdown whose end is still being written: emphasis and code that was opened and not closed yet is closed, so that
 * text does not jump from plain to styled when the closing mark comes. Inside a code block nothing is touched.
 */
export function closeOpenMarks(source: string): string {
  const fences = source.match(/^ {0,3}(```|~~~)/gm)?.length ?? 0;
  if (fences % 2 === 1) return source;
  const start = Math.max(source.lastIndexOf('\n\n'), source.lastIndexOf('\n- '), source.lastIndexOf('```')) + 1;
  const tail = source.slice(start);
  if ((tail.match(/`/g)?.length ?? 0) % 2 === 1) return tail.endsWith('`') ? source.slice(0, -1) : `${source}\``;
  const plain = tail.replace(/`[^`]*`/g, '');
  if ((plain.match(/\*\*/g)?.length ?? 0) % 2 === 1) {
    const trimmed = source.trimEnd();
    return trimmed.endsWith('**') ? trimmed.slice(0, -2) : `${trimmed.replace(/\*$/, '')}**`;
  }
  return source;
}

/** The address of a link or image, when it is of a kind that cannot run anything; null otherwise. */
export function safeAddress(href: string): string | null {
  if (/^[#/](?!\/)/.test(href)) return href;
  try {
    const { protocol } = new URL(href);
    return ['http:', 'https:', 'mailto:'].includes(protocol) ? href : null;
  } catch {
    return null;
  }
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: '\u00a0' };

/** The lexer leaves what it escaped for HTML; React escapes by itself. */
export const unescapeText = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => entities[name] ?? '');

export type { Token };
