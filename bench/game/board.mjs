#!/usr/bin/env node
// board.mjs [PROGRAM or http://ADDRESS] [--pieces 500] [--seconds 4]: how evenly the game's board is drawn in Chromium while a piece is
// dragged over it, the board is moved, and it is zoomed, as JSON and a line each. A frame is what lies between two calls of
// requestAnimationFrame, one movement of the pointer in each; 16.7 ms is a screen's 60 Hz. Without a graphics card
// Chromium paints on the processor, which is the hardest case.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const { chromium } = createRequire(join(root, 'web/package.json'))('@playwright/test');
const flag = (name, usual) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? usual : Number(process.argv[at + 1]);
};
const program = process.argv[2]?.startsWith('-') === false ? process.argv[2] : join(root, 'build/speedwins');
const pieces = flag('--pieces', 500);
const seconds = flag('--seconds', 4);

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

const isServed = program.startsWith('http');
const port = isServed ? 0 : await freePort();
const folder = mkdtempSync(join(tmpdir(), 'speedwins-board-'));
const url = isServed ? program : `http://127.0.0.1:${port}`;
const store = join(folder, 'game.sqlite');
const server = isServed
  ? null
  : spawn(program, ['serve', 'demo', '--port', port, '--cache-folder', 'none', '--game-store', store]);
let failure = 0;
try {
  for (let i = 0; i < 150; ++i) {
    if (
      await fetch(`${url}/v1/models`).then(
        (r) => r.ok,
        () => false,
      )
    )
      break;
    await new Promise((done) => setTimeout(done, 200));
  }
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
  });
  await page.addInitScript((n) => {
    const ids = ['linear_algebra', 'calculus', 'probability'];
    const many = Array.from({ length: n }, (_, i) => ({
      key: i + 1,
      id: ids[i % 3],
      x: (i % 25) * 90 - 1100,
      y: Math.floor(i / 25) * 50 - 500,
    }));
    localStorage.setItem('speedwins.board.main', JSON.stringify(many));
    localStorage.setItem('speedwins.game.tutorial', 'done');
  }, pieces);
  await page.goto(`${url}/game`);
  await page.waitForSelector(`[data-key="${pieces}"]`);
  const results = {};
  for (const kind of ['drag', 'move', 'zoom']) {
    const times = await page.evaluate(measure, { kind, pieces, seconds });
    const sorted = times.slice(5).sort((a, b) => a - b);
    const at = (share) => Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1));
    const sum = sorted.reduce((one, two) => one + two, 0);
    results[kind] = {
      frames: sorted.length,
      fps: Number(((1000 * sorted.length) / sum).toFixed(1)),
      p50_ms: at(0.5),
      p99_ms: at(0.99),
      longest_ms: at(1),
    };
  }
  console.log(
    JSON.stringify({
      pieces,
      seconds,
      chromium: browser.version(),
      ...results,
    }),
  );
  for (const [kind, r] of Object.entries(results))
    console.error(
      `${kind}: ${r.fps} frames a second; a frame takes ${r.p50_ms} ms (p50), ${r.p99_ms} ms (p99), ${r.longest_ms} ms at most`,
    );
  await browser.close();
} catch (error) {
  console.error(String(error));
  failure = 1;
} finally {
  server?.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failure);

/** In the page: the intervals between frames while the pointer moves once in each. */
async function measure({ kind, pieces: n, seconds: length }) {
  const board = document.querySelector('.board');
  const target = kind === 'drag' ? document.querySelector(`[data-key="${Math.ceil(n / 2)}"] button`) : board;
  const box = board.getBoundingClientRect();
  const [middleX, middleY] = [box.left + box.width / 2, box.top + box.height / 2];
  const begin = target.getBoundingClientRect();
  const from = kind === 'drag' ? [begin.left + 20, begin.top + 20] : [middleX, middleY];
  const send = (where, type, x, y) =>
    where.dispatchEvent(
      new PointerEvent(type, {
        bubbles: true,
        pointerId: 1,
        clientX: x,
        clientY: y,
      }),
    );
  if (kind === 'move') board.setPointerCapture = () => {}; // a synthetic pointer cannot be captured
  if (kind !== 'zoom') send(target, 'pointerdown', ...from);
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  const end = last + 1000 * length;
  for (let i = 0; last < end; ++i) {
    const [x, y] = [from[0] + 300 * Math.sin(i / 40), from[1] + 150 * Math.sin(i / 25)];
    if (kind === 'zoom')
      board.dispatchEvent(
        new WheelEvent('wheel', {
          bubbles: true,
          cancelable: true,
          ctrlKey: true,
          deltaY: 12 * Math.cos(i / 30),
          clientX: middleX,
          clientY: middleY,
        }),
      );
    else send(kind === 'drag' ? window : board, 'pointermove', x, y);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  if (kind !== 'zoom') send(kind === 'drag' ? window : board, 'pointerup', ...from);
  return times;
}
