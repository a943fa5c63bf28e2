import { gzipSync } from 'node:zlib';
import { accessibilityProblems } from './accessibility';
import { expect, test, type Chat } from './page';
import type { Page } from '@playwright/test';

const states: Record<string, (page: Page, chat: Chat) => Promise<void>> = {
  'an empty chat': (_, chat) => chat.open(),
  'a chat with an answer and its waterfall': async (_, chat) => {
    await chat.open();
    await chat.ask('What is paged attention?');
    await chat.answered();
    await chat.answers
      .last()
      .getByRole('button', { name: /First token/ })
      .click();
  },
  'the settings': async (page, chat) => {
    await chat.open();
    await page.getByRole('button', { name: 'Settings' }).click();
  },
  'the command palette': async (page, chat) => {
    await chat.open();
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('combobox', { name: 'Search commands' })).toBeVisible();
  },
  'the dashboard': async (page) => {
    await page.goto('/live');
    await expect(page.getByRole('region', { name: 'Since the start' })).toBeVisible();
  },
};

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [name, open] of Object.entries(states)) {
    test(`${name} is accessible (WCAG AA, ${colorScheme})`, async ({ page, chat }) => {
      await page.emulateMedia({ colorScheme });
      await open(page, chat);
      expect(await accessibilityProblems(page)).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
    });
  }
}

test('the theme follows the system until one is chosen, and then stays', async ({ page, chat }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  await chat.open();
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.evaluate(() => localStorage.setItem('speedwins.theme', 'light'));
  await page.reload();
  expect(await background()).toBe(light);
});

test('motion is left out for those who want none', async ({ page, chat }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await chat.open();
  await page.getByRole('button', { name: 'Settings' }).click();
  const running = await page.evaluate(
    () => document.getAnimations().filter((one) => Number(one.effect?.getComputedTiming().duration) > 1).length,
  );
  expect(running).toBe(0);
});

test('the first paint comes within a second', async ({ page }) => {
  await page.goto('/');
  const paint = await page.evaluate(
    () =>
      new Promise<number>((done) => {
        new PerformanceObserver((list) => {
          const first = list.getEntriesByName('first-contentful-paint')[0];
          if (first) done(first.startTime);
        }).observe({ type: 'paint', buffered: true });
      }),
  );
  test.info().annotations.push({ type: 'first contentful paint', description: `${Math.round(paint)} ms` });
  expect(paint).toBeLessThan(1000);
});

for (const path of ['/', '/game', '/live']) {
  test(`the first load of ${path} is at most 300 KB of compressed script`, async ({ page }) => {
    const sizes: Promise<number>[] = [];
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script')
        sizes.push(response.body().then((body) => gzipSync(body).length));
    });
    await page.goto(path, { waitUntil: 'networkidle' });
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    test.info().annotations.push({ type: 'compressed script', description: `${total} bytes` });
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThan(300_000);
  });
}
