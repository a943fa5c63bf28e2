import { test as base, expect, type Locator, type Page } from '@playwright/test';

/** What a reader does with the chat. */
export class Chat {
  readonly field: Locator;
  readonly log: Locator;
  readonly answers: Locator;
  readonly questions: Locator;

  constructor(readonly page: Page) {
    this.field = page.getByRole('textbox', { name: 'Your question' });
    this.log = page.getByRole('log');
    this.answers = page.getByRole('article', { name: /^Answer of/ });
    this.questions = page.getByRole('article', { name: 'Your question' });
  }

  async open(): Promise<void> {
    await this.page.goto('/');
    await expect(this.page.getByRole('heading', { name: /milliseconds/ })).toBeVisible();
    await expect(this.page.getByRole('combobox', { name: 'Model' })).toBeVisible();
  }

  async ask(question: string): Promise<void> {
    await this.field.fill(question);
    await this.page.getByRole('button', { name: 'Send' }).click();
    await expect(this.questions.last()).toContainText(question);
  }

  async answered(): Promise<void> {
    await expect(this.answers.last()).toHaveAttribute('aria-busy', 'false');
    await expect(this.page.getByRole('button', { name: 'Answer again' })).toBeVisible();
  }

  /** Opens the menu where the screen is too small for a sidebar, and returns the list of chats. */
  async history(): Promise<Locator> {
    const menu = this.page.getByRole('button', { name: 'Menu' });
    if (await menu.isVisible()) await menu.click();
    return this.page.getByRole('region', { name: 'Chats' }).filter({ visible: true });
  }
}

/** Makes answers come slowly and in pieces of a few bytes, however fast the model is. */
export async function slowDown(page: Page, msPerPiece = 8): Promise<void> {
  await page.addInitScript((pause) => {
    const realFetch = window.fetch;
    window.fetch = async (input, init) => {
      const response = await realFetch(input, init);
      const isStream = response.headers.get('Content-Type')?.startsWith('text/event-stream');
      if (!isStream || !response.body) return response;
      const slow = new TransformStream<Uint8Array, Uint8Array>({
        async transform(bytes, controller) {
          for (let at = 0; at < bytes.length; at += 97) {
            controller.enqueue(bytes.slice(at, at + 97));
            await new Promise((done) => setTimeout(done, pause));
          }
        },
      });
      return new Response(response.body.pipeThrough(slow), { headers: response.headers });
    };
  }, msPerPiece);
}

/** Every test fails when the page logs an error, throws, or asks anybody but its own server for anything. */
export const test = base.extend<{ chat: Chat; allowErrors: { pattern: RegExp | null } }>({
  allowErrors: async ({}, use) => use({ pattern: null }),
  page: async ({ page, baseURL, allowErrors }, use) => {
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(`threw ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !allowErrors.pattern?.test(message.text())) problems.push(message.text());
    });
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (!['data:', 'blob:'].includes(protocol) && origin !== baseURL) problems.push(`asked ${request.url()}`);
    });
    await use(page);
    expect(problems).toEqual([]);
  },
  chat: async ({ page }, use) => use(new Chat(page)),
});

export { expect };
