import { readFile } from 'node:fs/promises';
import { expect, slowDown, test } from './page';

const question = 'How can I make the first token come faster?';

test('an example question is answered, with where its time went', async ({ page, chat }) => {
  await chat.open();
  await page.getByRole('button', { name: question }).click();
  await chat.answered();
  await expect(chat.answers.last().locator('.markdown')).not.toBeEmpty();

  const summary = chat.answers.last().getByRole('button', { name: /First token [\d.]+ m?s/ });
  await expect(summary).toHaveAttribute('aria-expanded', 'false');
  await summary.click();
  const table = chat.answers.last().getByRole('table', { name: 'Where the time of this answer went' });
  for (const stage of ['Tokenize', 'Queue', 'Prefill', 'First token', 'Decode']) {
    await expect(table.getByRole('row', { name: new RegExp(`^${stage}.* m?s$`) })).toBeVisible();
  }
});

test('a second question continues the first, and its cached part is shown', async ({ chat }) => {
  await chat.open();
  await chat.ask('What is speculative decoding?');
  await chat.answered();
  await chat.ask('And what does it cost?');
  await chat.answered();
  await expect(chat.answers).toHaveCount(2);
  await chat.answers
    .last()
    .getByRole('button', { name: /First token/ })
    .click();
  await expect(chat.answers.last().getByRole('row', { name: /^Prefill/ })).toContainText(/\d+ of \d+ tokens cached/);
});

test('nothing moves while an answer is written', async ({ page, chat }) => {
  await slowDown(page);
  await page.addInitScript(() => {
    const shifts: number[] = []; // when something moved
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const { startTime } of list.getEntries()) shifts.push(startTime);
    }).observe({ type: 'layout-shift' });
  });
  await chat.open();
  await chat.ask(question);
  await expect(chat.answers.last().locator('.markdown')).not.toBeEmpty();
  const top = () =>
    page.evaluate(() => {
      const log = document.querySelector('[role=log]');
      const answer = document.querySelector('[role=log] .markdown');
      return (answer?.getBoundingClientRect().top ?? 0) + (log?.scrollTop ?? 0);
    });
  const since = await page.evaluate(() => performance.now()); // before, the field grew with the question typed into it
  const before = await top();
  const composer = await chat.field.boundingBox();
  await chat.answered();
  expect(Math.abs((await top()) - before)).toBeLessThan(1);
  expect(await chat.field.boundingBox()).toEqual(composer);
  const shifts = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts);
  expect(shifts.filter((time) => time >= since)).toEqual([]);
});

test('an answer can be stopped, by button and by Escape, and keeps what was written', async ({ page, chat }) => {
  await slowDown(page, 40);
  await chat.open();
  for (const stop of [() => page.getByRole('button', { name: 'Stop' }).click(), () => page.keyboard.press('Escape')]) {
    await chat.ask(question);
    await expect(chat.answers.last().locator('.markdown')).not.toBeEmpty();
    await stop();
    await expect(chat.answers.last()).toHaveAttribute('aria-busy', 'false');
    await expect(chat.answers.last()).toContainText('Stopped');
    await expect(chat.answers.last().locator('.markdown')).not.toBeEmpty();
  }
});

test('a question can be edited, and an answer given again', async ({ page, chat }) => {
  await chat.open();
  await chat.ask('What is paged attention?');
  await chat.answered();
  await chat.ask('Why does it work?');
  await chat.answered();

  await chat.questions.first().hover();
  await page.getByRole('button', { name: 'Edit question' }).first().click();
  const editor = page.getByRole('textbox', { name: 'Edit your question' });
  await expect(editor).toBeFocused();
  await editor.fill('What is speculative decoding?');
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await chat.answered();
  await expect(chat.questions).toHaveCount(1);
  await expect(chat.questions.first()).toContainText('What is speculative decoding?');

  const first = await chat.answers.last().locator('.markdown').innerText();
  await page.getByRole('button', { name: 'Answer again' }).click();
  await chat.answered();
  await expect(chat.answers).toHaveCount(1);
  await expect(chat.answers.last().locator('.markdown')).toHaveText(first); // the most likely tokens: the same again
});

test('a reload keeps the chat, and what was written of a running answer', async ({ page, chat }) => {
  await chat.open();
  await chat.ask('What is paged attention?');
  await chat.answered();
  const answer = await chat.answers.last().innerText();
  await page.reload();
  await expect(chat.questions).toHaveText('What is paged attention?');
  await expect(chat.answers.last()).toContainText(answer.slice(0, 40));

  await slowDown(page, 60);
  await page.reload();
  await chat.ask(question);
  await expect(chat.answers.last().locator('.markdown')).not.toBeEmpty();
  await page.reload();
  await expect(chat.questions).toHaveCount(2);
  await expect(chat.answers.last()).toContainText('Stopped');
});

test('chats are found, exported and deleted', async ({ page, chat }) => {
  await chat.open();
  for (const text of ['What is paged attention?', 'What is speculative decoding?']) {
    await page.goto('/');
    await chat.ask(text);
    await chat.answered();
  }
  const history = await chat.history();
  await expect(history.getByRole('listitem')).toHaveCount(2);
  await history.getByRole('searchbox', { name: 'Search chats' }).fill('paged');
  await expect(history.getByRole('listitem')).toHaveCount(1);

  const downloading = page.waitForEvent('download');
  await history.getByRole('button', { name: 'Export all chats' }).click();
  const file = await (await downloading).path();
  const exported = JSON.parse(await readFile(file, 'utf8')) as { conversations: { messages: unknown[] }[] };
  expect(exported.conversations.map(({ messages }) => messages.length)).toEqual([2, 2]);

  await history.getByRole('listitem').first().hover();
  await history.getByRole('button', { name: 'Delete What is paged attention?' }).click();
  await expect(history.getByText('No chat has these words.')).toBeVisible();
  await history.getByRole('button', { name: 'Delete all chats' }).click();
  await page.getByRole('button', { name: 'Delete all', exact: true }).click();
  await page.reload();
  await expect((await chat.history()).getByText('Your chats stay in this browser.')).toBeVisible();
});

test.describe('an error says the next step', () => {
  test.beforeEach(({ allowErrors }) => {
    allowErrors.pattern = /Failed to load resource/;
  });
  const path = '**/v1/chat/completions';

  test('when the server is full: wait, then try again', async ({ page, chat }) => {
    await chat.open();
    let isFull = true;
    await page.route(path, (route) =>
      isFull
        ? route.fulfill({
            status: 429,
            headers: { 'Retry-After': '1' },
            json: { error: { message: 'The queue is full.', type: 'overloaded_error', param: null, code: null } },
          })
        : route.continue(),
    );
    await chat.ask(question);
    const notice = page.getByRole('alert');
    await expect(notice).toContainText('The server is full');
    await expect(notice.getByRole('button', { name: /Try again in 1 s/ })).toBeDisabled();
    isFull = false;
    await notice.getByRole('button', { name: 'Try again', exact: true }).click();
    await chat.answered();
    await expect(notice).toHaveCount(0);
  });

  test('when the server is gone: start it', async ({ page, chat }) => {
    await chat.open();
    await page.route(path, (route) => route.abort());
    await chat.ask(question);
    await expect(page.getByRole('alert')).toContainText('./run');
  });

  test('when the context is full: a new chat takes the question along', async ({ page, chat }) => {
    await chat.open();
    await chat.ask('What is paged attention?');
    await chat.answered();
    await page.route(
      path,
      (route) =>
        route.fulfill({
          status: 400,
          json: { error: { message: 'The prompt has 1,100 tokens.', code: 'context_length_exceeded' } },
        }),
      { times: 1 },
    );
    await chat.ask(question);
    await page.getByRole('button', { name: 'Ask in a new chat' }).click();
    await chat.answered();
    await expect(chat.questions).toHaveText([question]);
  });
});

test('everything can be done from the keyboard', async ({ page, chat, isMobile }) => {
  test.skip(isMobile, 'phones have none');
  await chat.open();
  await expect(chat.field).toBeFocused();
  await page.keyboard.type('What is paged attention?');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('Briefly.');
  await page.keyboard.press('Enter');
  await chat.answered();
  await expect(chat.questions).toContainText('Briefly.');

  await page.keyboard.press('Control+k');
  await page.keyboard.type('live');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/live$/);
  await page.goBack();
  await expect(chat.questions).toHaveCount(1);

  await page.getByRole('button', { name: 'Copy answer' }).focus();
  await page.keyboard.press('Control+,');
  const temperature = page.getByRole('slider', { name: 'Temperature' });
  await temperature.focus();
  await page.keyboard.press('ArrowRight');
  await expect(temperature).toHaveValue('0.05');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Copy answer' })).toBeFocused();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('write a');
  await page.keyboard.press('Enter');
  await expect(chat.field).toBeFocused();
  await page.keyboard.press('Control+Shift+O');
  await expect(page.getByRole('heading', { name: /milliseconds/ })).toBeVisible();
  await expect(chat.field).toBeFocused();
});

test('sampling settings reach the server', async ({ page, chat }) => {
  await chat.open();
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel('Instructions').fill('Be brief.');
  await page.getByRole('slider', { name: 'Temperature' }).fill('0.7');
  await page.getByLabel('Seed').fill('11');
  await page.getByRole('button', { name: 'Done' }).click();
  const asked = page.waitForRequest('**/v1/chat/completions');
  await chat.ask(question);
  expect((await asked).postDataJSON()).toMatchObject({
    stream: true,
    temperature: 0.7,
    seed: 11,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: question },
    ],
  });
  await chat.answered();
});
