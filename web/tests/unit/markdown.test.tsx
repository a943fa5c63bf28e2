import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, test } from 'vitest';
import { Markdown } from '@/markdown/Markdown';
import { closeOpenMarks, parse, safeAddress } from '@/markdown/parse';

function render(source: string, isWriting = false): HTMLElement {
  const element = document.createElement('div');
  element.innerHTML = renderToStaticMarkup(<Markdown source={source} isWriting={isWriting} />);
  return element;
}

describe('Markdown', () => {
  test('is headings, lists, tables, code and emphasis', () => {
    const page = render(
      '# A\n\n1. one\n2. **two**\n\n| x | y |\n|---|--:|\n| 1 | 2 |\n\n```cpp\nint a = b<c;\n```\n\n~~no~~ `x<y`',
    );
    expect(page.querySelector('h3')?.textContent).toBe('A');
    expect(page.querySelectorAll('ol > li')).toHaveLength(2);
    expect(page.querySelector('li strong')?.textContent).toBe('two');
    expect([...page.querySelectorAll('td')].map(({ textContent }) => textContent)).toEqual(['1', '2']);
    expect(page.querySelector('pre')?.textContent).toBe('int a = b<c;');
    expect(page.querySelector('p > code')?.textContent).toBe('x<y');
    expect(page.querySelector('del')?.textContent).toBe('no');
  });

  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    'a <iframe src="https://example.org"></iframe> b',
    '<a href="javascript:alert(1)">x</a>',
    '<style>*{display:none}</style>',
    '<svg onload=alert(1)>',
    '- <b onclick="alert(1)">x</b>',
    '| <img src=x onerror=alert(1)> |\n|---|\n| <script>x</script> |',
    '```html\n<script>alert(1)</script>\n```',
    '![x](x"onerror="alert(1))',
  ])('shows HTML as text: %s', (source) => {
    const page = render(source);
    expect(page.querySelector('script, img, iframe, style, svg[onload], b, [onclick], [onerror]')).toBeNull();
    expect(page.querySelector('a')).toBeNull();
  });

  test('keeps the text of tags readable', () => {
    expect(render('use <b>bold</b> & x').textContent).toBe('use <b>bold</b> & x');
    expect(render('a &lt; b &amp; c').textContent).toBe('a < b & c');
  });

  test.each(['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', 'vbscript:x', '//evil.example', 'x y'])(
    'does not link to %s',
    (href) => {
      expect(safeAddress(href)).toBeNull();
      expect(render(`[text](<${href}>)`).querySelector('a')).toBeNull();
    },
  );

  test('links to the web in a new tab that cannot reach back', () => {
    const link = render('[text](https://example.org/a?b=c)').querySelector('a');
    expect(link?.getAttribute('href')).toBe('https://example.org/a?b=c');
    expect(link?.getAttribute('rel')).toContain('noopener');
  });

  test('loads no images: they become links', () => {
    const page = render('![a cat](https://example.org/cat.png)');
    expect(page.querySelector('img')).toBeNull();
    expect(page.querySelector('a')?.textContent).toBe('a cat');
  });
});

describe('Markdown that is being written', () => {
  test.each([
    ['this is **bold', 'this is **bold**'],
    ['this is **', 'this is '],
    ['this is **bold*', 'this is **bold**'],
    ['call `foo', 'call `foo`'],
    ['call `', 'call '],
    ['**a** and `b`', '**a** and `b`'],
    ['```\na ** b ` c', '```\na ** b ` c'],
    ['```\ncode\n```\nthen **x', '```\ncode\n```\nthen **x**'],
    ['first **\n\nsecond', 'first **\n\nsecond'],
  ])('%j is read as %j', (source, closed) => expect(closeOpenMarks(source)).toBe(closed));

  test('leaves finished blocks as they are, cut anywhere', () => {
    const source =
      '# T\n\nA **b** c.\n\n1. **a** `b`\n2. c\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```js\nlet a = `b`;\n```\n\n> q *e*\n\nEnd **x**.';
    const blocksOf = (page: HTMLElement) =>
      [...(page.firstElementChild?.children ?? [])].map((block) => block.outerHTML);
    const final = blocksOf(render(source));
    for (let end = 0; end <= source.length; ++end) {
      const finished = blocksOf(render(source.slice(0, end), true)).slice(0, -1);
      expect(finished, `after ${end} characters`).toEqual(final.slice(0, finished.length));
    }
  });
});

describe('Formulas', () => {
  const formulas = (source: string, kind: 'chat' | 'page') =>
    parse(source, kind).flatMap((block) =>
      [block, ...('tokens' in block ? (block.tokens ?? []) : [])].filter(({ type }) => (type as string) === 'formula'),
    );

  test('stand between dollar signs, in pages only', () => {
    expect(formulas('so $F = 2P$ and\n\n$$\n\\frac{a}{b}\n$$\n\nend', 'page')).toMatchObject([
      { text: 'F = 2P', isBlock: false },
      { text: '\\frac{a}{b}', isBlock: true },
    ]);
    expect(formulas('so $F = 2P$', 'chat')).toEqual([]);
  });

  test.each(['from $5 to $6', 'a $ b $ c', 'costs 5$', '`$x$`', '$$', '$x$5'])('%s is none', (source) => {
    expect(formulas(source, 'page')).toEqual([]);
  });
});
