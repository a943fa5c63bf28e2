import { expect, test } from './page';

test('the dashboard moves, and can be paused', async ({ page }) => {
  await page.goto('/live');
  const charts = page.getByRole('img', { name: /the last two minutes/ });
  await expect(charts).toHaveCount(6);
  await expect(charts.first().locator('canvas')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Since the start' })).toBeVisible();

  let asked = 0;
  page.on('request', (request) => (asked += request.url().endsWith('/stats') ? 1 : 0));
  await expect.poll(() => asked, { timeout: 5000 }).toBeGreaterThan(1);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForTimeout(300); // what was under way
  const then = asked;
  await page.waitForTimeout(2200);
  expect(asked).toBe(then);
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect.poll(() => asked).toBeGreaterThan(then);
});

test('an answer in the chat is counted', async ({ page, chat }) => {
  await chat.open();
  await chat.ask('What is paged attention?');
  await chat.answered();
  await page.goto('/live');
  const answered = page.getByText('Answered', { exact: true }).locator('xpath=following-sibling::dd');
  await expect(answered).toHaveText(/^[1-9]/);
});

test('without a server the page says so, and goes on when it is back', async ({ page, allowErrors }) => {
  allowErrors.pattern = /Failed to load resource/;
  await page.route('**/stats', (route) => route.abort());
  await page.goto('/live');
  await expect(page.getByRole('alert')).toContainText('./run');
  await page.unroute('**/stats');
  await expect(page.getByRole('alert')).toHaveCount(0);
});
