import type { Browser, Page } from '@playwright/test';
import { accessibilityProblems } from './accessibility';
import { expect, test } from './page';

interface Content {
  start: string[];
  concepts: { id: string; name: string; module: number; recipes: { ingredients: string[] }[] }[];
}

test.beforeEach(async ({ request }) => {
  const answer = await request.get('/api/game/session');
  test.skip(answer.status() === 404, 'the stand-in of the server has no game');
});

const contentOf = async (page: Page) => (await (await page.request.get('/api/game/content')).json()) as Content;

/** Names of two starting concepts that yield something, and the name of what they yield. */
async function firstDiscovery(page: Page): Promise<[string, string, string]> {
  const { start, concepts } = await contentOf(page);
  const name = (id: string) => concepts.find((one) => one.id === id)?.name ?? id;
  for (const { id, recipes } of concepts) {
    for (const { ingredients } of recipes) {
      const [a, b] = ingredients;
      if (a && b && ingredients.length === 2 && ingredients.every((one) => start.includes(one))) {
        return [name(a), name(b), name(id)];
      }
    }
  }
  throw new Error('No pair of starting concepts yields anything.');
}

const list = (page: Page) => page.getByRole('list', { name: 'Your concepts' });
const chip = (page: Page, name: string) => list(page).getByRole('button', { name, exact: true });
const pieces = (page: Page) => page.getByRole('list', { name: /^Pieces on the board/ });

async function open(page: Page, view = ''): Promise<void> {
  await page.goto(`/game${view}`);
  await expect(page.getByRole('tabpanel')).toBeVisible();
}

/** Makes discoveries past the page: what can be made, of `module` first, until `isEnough`. */
async function discover(page: Page, module: number, isEnough: (found: ReadonlySet<string>) => Promise<boolean>) {
  const { start, concepts } = await contentOf(page);
  const known = new Set(start);
  while (!(await isEnough(known))) {
    const makeable = concepts.flatMap(({ id, module: its, recipes }) => {
      const recipe = recipes.find(({ ingredients }) => ingredients.every((one) => known.has(one)));
      return known.has(id) || !recipe ? [] : [{ id, its, ingredients: recipe.ingredients }];
    });
    const next = makeable.find(({ its }) => its === module) ?? makeable[0];
    if (!next) throw new Error('Nothing can be made any more.');
    const answer = await page.request.post('/api/game/combine', { data: { ingredients: next.ingredients } });
    expect(answer.ok()).toBe(true);
    known.add(next.id);
  }
}

test('the first discovery takes two picks, and is there after a reload', async ({ page }) => {
  const [a, b, result] = await firstDiscovery(page);
  await open(page);
  await expect(page.getByRole('note', { name: 'How to play' })).toContainText('1 of 3');
  await chip(page, a).click();
  await chip(page, b).click();
  await expect(page.getByText('Discovered', { exact: true })).toBeVisible();
  await expect(chip(page, result)).toBeVisible();
  await expect(pieces(page).getByRole('button', { name: result })).toBeVisible();
  await page.reload();
  await expect(chip(page, result)).toBeVisible();
  await expect(pieces(page).getByRole('button', { name: result })).toBeVisible();
  await page.getByRole('button', { name: 'Skip' }).click();
  await page.reload();
  await expect(chip(page, result)).toBeVisible();
  await expect(page.getByRole('note', { name: 'How to play' })).toHaveCount(0);
});

test('two pieces are dragged together, with a cue before they are dropped', async ({ page, isMobile }) => {
  test.skip(isMobile, 'phones pick by tapping; dragging on the board is the same code');
  const [a, b, result] = await firstDiscovery(page);
  await open(page);
  const board = (await page.getByRole('region', { name: 'Board' }).boundingBox())!;
  const middle = { x: board.x + board.width / 2, y: board.y + board.height * 0.7 };
  const drag = async (name: string, x: number, y: number) => {
    const from = (await chip(page, name).boundingBox())!;
    await page.mouse.move(from.x + 30, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(from.x - 40, from.y, { steps: 4 });
    await page.mouse.move(x, y, { steps: 8 });
  };
  await drag(a, middle.x, middle.y);
  await page.mouse.up();
  await expect(pieces(page).getByRole('listitem')).toHaveCount(1);
  await drag(b, middle.x + 40, middle.y + 20);
  await expect(page.locator('.magnet')).toHaveCount(1);
  await page.mouse.up();
  await expect(pieces(page).getByRole('listitem')).toHaveText([new RegExp(result)]);
  await expect(chip(page, result)).toBeVisible();
});

test('everything can be played from the keyboard', async ({ page, isMobile }) => {
  test.skip(isMobile, 'phones have none');
  const [a, b, result] = await firstDiscovery(page);
  await open(page);
  await page.getByRole('searchbox').focus();
  for (const name of [a, b]) {
    await page.keyboard.type(name);
    await page.keyboard.press('Enter');
  }
  await expect(chip(page, result)).toBeVisible();
  const piece = pieces(page).getByRole('button', { name: result });
  await piece.focus();
  const before = (await piece.boundingBox())!;
  await page.keyboard.press('ArrowRight');
  await expect.poll(async () => (await piece.boundingBox())!.x).toBeGreaterThan(before.x + 10);
  await piece.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: result })).toBeVisible();
  await page.keyboard.press('Escape');
  await piece.focus();
  await page.keyboard.press('Delete');
  await expect(piece).toHaveCount(0);
});

test('hints lead to a discovery, step by step', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: 'Hint', exact: true }).click();
  for (let step = 1; step < 4; ++step) await page.getByRole('button', { name: /Tell me more/ }).click();
  const hint = page.getByText(/^Combine /);
  const names = ((await hint.textContent()) ?? '').replace(/^Combine |\.$/g, '').split(' + ');
  const before = await list(page).getByRole('listitem').count();
  for (const name of names) await chip(page, name).click();
  await expect(list(page).getByRole('listitem')).toHaveCount(before + 1);
  await expect(hint).toHaveCount(0);
});

test('a card says how it was made, what for, and how much is still hidden', async ({ page }) => {
  const [a, b, result] = await firstDiscovery(page);
  await open(page);
  await chip(page, a).click();
  await chip(page, b).click();
  await page.getByRole('button', { name: 'Read' }).click();
  const card = page.getByRole('dialog', { name: result });
  for (const title of ['Why it works', 'What it costs', 'When not', 'Made by', 'Used for']) {
    await expect(card.getByRole('heading', { name: title })).toBeVisible();
  }
  await expect(card).toContainText(`${a} + ${b}`);
  await expect(card).toContainText(/\d+ more uses? to find/);
});

test('a check asks five questions and says what was right', async ({ page }) => {
  await open(page);
  const isOpen = async (found: ReadonlySet<string>) => {
    if (found.size % 8 !== 0) return false;
    const state = (await (await page.request.get('/api/game/state')).json()) as { chapters: { check: string }[] };
    return state.chapters.some(({ check }) => check === 'open');
  };
  await discover(page, 0, isOpen);
  await page.goto('/game?view=paths');
  await page.getByRole('button', { name: 'Five questions' }).first().click();
  for (let question = 1; question <= 5; ++question) {
    const dialog = page.getByRole('dialog', { name: `Question ${question} of 5` });
    await expect(dialog.getByRole('listitem')).toHaveCount(4);
    await page.keyboard.press('1');
    await expect(dialog.getByText('right', { exact: true })).toBeVisible();
    if (question === 5) await expect(dialog).toContainText(/\d of 5 right/);
    await dialog.getByRole('button', { name: /Next|Done/ }).click();
  }
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('the game goes on while the server is away, and hands in what was found', async ({ page, allowErrors }) => {
  allowErrors.pattern = /Failed to load resource/;
  const [a, b, result] = await firstDiscovery(page);
  await open(page);
  await page.route('**/api/game/**', (route) => route.abort());
  await chip(page, a).click();
  await chip(page, b).click();
  await expect(chip(page, result)).toBeVisible();
  await expect(page.getByText('The server is away.')).toBeVisible();
  await page.unroute('**/api/game/**');
  await expect(page.getByText('The server is away.')).toHaveCount(0);
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await expect(chip(page, result)).toBeVisible();
});

test('two players at once do not see each other', async ({ page, browser, baseURL }) => {
  const [a, b, result] = await firstDiscovery(page);
  const other = await otherPlayer(browser, baseURL);
  await Promise.all([open(page), open(other)]);
  await chip(page, a).click();
  await chip(page, b).click();
  await expect(chip(page, result)).toBeVisible();
  await other.reload();
  await expect(chip(other, a)).toBeVisible();
  await expect(chip(other, result)).toHaveCount(0);
  await other.context().close();
});

async function otherPlayer(browser: Browser, baseURL: string | undefined): Promise<Page> {
  const context = await browser.newContext({ ...(baseURL ? { baseURL } : {}), viewport: { width: 820, height: 1180 } });
  return context.newPage();
}

test('500 pieces leave more than half of a frame free while one is dragged', async ({ page }) => {
  const { start } = await contentOf(page);
  await page.addInitScript(
    ([id]) => {
      const many = Array.from({ length: 500 }, (_, i) => ({
        key: i + 1,
        id,
        x: (i % 25) * 90 - 1100,
        y: Math.floor(i / 25) * 50,
      }));
      localStorage.setItem('speedwins.board.main', JSON.stringify(many));
    },
    [start[0]],
  );
  await open(page);
  await expect(pieces(page).getByRole('listitem')).toHaveCount(500);
  const spent = await page.evaluate(async () => {
    const piece = document.querySelector<HTMLElement>('[data-key="250"] button')!;
    const send = (type: string, x: number) =>
      (type === 'pointerdown' ? piece : window).dispatchEvent(
        new PointerEvent(type, { bubbles: true, pointerId: 7, clientX: x, clientY: 300 }),
      );
    send('pointerdown', 300);
    const times: number[] = [];
    for (let i = 0; i < 120; ++i) {
      const begin = performance.now();
      send('pointermove', 300 + 3 * i);
      piece.getBoundingClientRect(); // style and layout too
      times.push(performance.now() - begin);
      await new Promise(requestAnimationFrame);
    }
    send('pointerup', 660);
    return times.sort((one, two) => one - two)[60]!;
  });
  test.info().annotations.push({ type: 'script and layout per frame', description: `${spent.toFixed(2)} ms` });
  expect(spent).toBeLessThan(8);
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const view of ['play', 'map', 'paths', 'progress', 'library']) {
    test(`the game’s ${view} is accessible (WCAG AA, ${colorScheme})`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await open(page);
      await discover(page, 0, (found) => Promise.resolve(found.size >= 12));
      await open(page, view === 'play' ? '' : `?view=${view}`);
      expect(await accessibilityProblems(page)).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
    });
  }
}
