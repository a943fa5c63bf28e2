import { defineConfig, devices } from '@playwright/test';

const baseURL = process.env['SPEEDWINS_URL'] ?? 'http://127.0.0.1:8080';

/** Against a server that runs already: tests/e2e/run starts the built program, or the stand-in where there is none. */
export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: 'test-results',
  workers: 1, // tests look at times; two browsers at once would measure each other
  timeout: 90_000,
  maxFailures: Number(process.env['MAX_FAILURES'] ?? 0),
  expect: { timeout: 30_000 },
  use: {
    baseURL,
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    },
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'desktop', use: { ...devices['Desktop Chrome'], channel: '', viewport: { width: 1280, height: 800 } } },
    { name: 'phone', use: { ...devices['Pixel 7'], viewport: { width: 390, height: 844 } } },
  ],
});
