// A stand-in for `speedwins serve`, for developing the page and for tests where there is no built program: the answers
// of GET /v1/models, GET /stats and POST /v1/chat/completions in the shapes of /openapi.json, with made-up numbers.
//   node tests/mock/server.mjs [PORT] [FOLDER OF THE BUILT PAGE]
// With GAME_URL set, /api/game is passed on to a server that has the game.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const port = Number(process.argv[2] ?? 8080);
const folder = process.argv[3] ?? fileURLToPath(new URL('../../dist', import.meta.url));
const paths = JSON.parse(await readFile(new URL('../../src/app/paths.json', import.meta.url), 'utf8'));

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

const plainAnswer =
  'First see whether you wait in a queue or in prefill. For queueing use continuous batching with chunked prefill; ' +
  'for prefill reuse shared prompts with prefix caching, shorten the prompt, and use fast INT8 kernels.';

const richAnswer = `Two limits decide how fast a model answers.

## Prefill

Reading the prompt handles **many tokens per weight read**, so arithmetic limits it. Decode handles *one*, so memory bandwidth limits it.

| Phase | Limit | Helps |
|---|---|---:|
| Prefill | arithmetic | prefix caching |
| Decode | bandwidth | quantization |

1. Measure both apart.
2. Then pick a technique:
   - \`Q4_0\` weights move a quarter of the bytes
   - batching shares them

\`\`\`python
def arithmetic_intensity(tokens: int, weights: int) -> float:
    return 2 * tokens * weights / (weights * 0.5)  # flops per byte of a 4-bit weight, read once for all tokens
\`\`\`

> A number without a machine is an opinion.

See [the roofline model](https://doi.org/10.1145/1498765.1498785). <b>Tags stay text.</b>`;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const started = Date.now();
let completed = 0;
let running = 0;

async function chat(request, response) {
  let body = '';
  for await (const piece of request) body += piece;
  const { messages = [], model } = JSON.parse(body);
  const question = messages.at(-1)?.content ?? '';
  const text = /table|markdown/i.test(question)
    ? richAnswer
    : /long/i.test(question)
      ? `${plainAnswer} `.repeat(12)
      : plainAnswer;
  const tokens = text.match(/\s*\S{1,6}/g) ?? [];
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const chunk = (fields) =>
    response.write(
      `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 0, model, ...fields })}\n\n`,
    );
  const turn = messages.length;
  const timings = {
    tokenize_ms: 0.12,
    queue_ms: 0.4,
    prefill_ms: 6.1 + 0.2 * turn,
    ttft_ms: 6.9 + 0.2 * turn,
    prompt_tokens: 18 + 40 * (turn - 1),
    cached_tokens: turn > 1 ? 40 * (turn - 1) : 0,
    new_tokens: tokens.length,
    prefill_tok_s: 2600,
    decode_tok_s: 310,
  };
  running += 1;
  await sleep(timings.ttft_ms);
  for (const [i, token] of tokens.entries()) {
    if (response.destroyed) break;
    chunk({
      choices: [
        { index: 0, delta: i === 0 ? { role: 'assistant', content: token } : { content: token }, finish_reason: null },
      ],
    });
    await sleep(/slow|long/i.test(question) ? 12 : 3);
  }
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  const decode_ms = tokens.length * 3.2;
  chunk({ choices: [], usage: null, timings: { ...timings, decode_ms, total_ms: timings.ttft_ms + decode_ms } });
  response.end('data: [DONE]\n\n');
  running -= 1;
  completed += 1;
}

function stats() {
  const now = Date.now() / 1000;
  const wave = (time, period, phase = 0) => 0.5 + 0.5 * Math.sin(time / period + phase);
  const sample = (time) => ({
    time,
    queued: Math.round(3 * wave(time, 11) * wave(time, 5)),
    running: Math.round(8 * wave(time, 17)),
    batch: 7.5 * wave(time, 17),
    prompt_tok_s: 2100 * wave(time, 7),
    generated_tok_s: 900 * wave(time, 17, 0.3),
    cache_hit_rate: 0.35 + 0.5 * wave(time, 23),
    ttft_p50_ms: 22 + 30 * wave(time, 13),
    ttft_p90_ms: 35 + 40 * wave(time, 13),
    ttft_p99_ms: 60 + 60 * wave(time, 13),
    inter_token_p50_ms: 3.1 + wave(time, 13),
    inter_token_p99_ms: 5.2 + 2 * wave(time, 9),
    rss_bytes: 48e6,
  });
  const latest = sample(now);
  const percentiles = (p50) => ({ p50, p90: 1.6 * p50, p99: 2.9 * p50, count: 480 });
  return {
    time: now,
    uptime_s: (Date.now() - started) / 1000,
    window_s: 30,
    version: '0.0.0-mock',
    requests: {
      queued: latest.queued,
      running: latest.running + running,
      completed,
      cancelled: 2,
      failed: 0,
      rejected: 1,
    },
    batch: { sequences: latest.batch, max_sequences: 64, step_ms: percentiles(3) },
    prefix_cache: {
      hit_rate: latest.cache_hit_rate,
      cached_tokens: 48210,
      prompt_tokens: 90120,
      used_bytes: 21e6,
      capacity_bytes: 64e6,
      disk_bytes: 3e6,
    },
    ttft_ms: percentiles(latest.ttft_p50_ms),
    inter_token_ms: percentiles(latest.inter_token_p50_ms),
    queue_ms: percentiles(2),
    tokens_s: { prompt: latest.prompt_tok_s, generated: latest.generated_tok_s },
    tokens: { prompt: 90120, generated: 31002 },
    memory: { rss_bytes: 48e6, peak_rss_bytes: 52e6, weights_bytes: 4.7e6, kv_bytes: 9e6 },
    connections: 3,
    models: [],
    history: Array.from({ length: 120 }, (_, i) => sample(Math.floor(now) - 119 + i)),
  };
}

const json = (response, value) => {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
};

async function passOn(request, response) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const headers = { cookie: request.headers.cookie ?? '', 'content-type': request.headers['content-type'] ?? '' };
  const body = pieces.length > 0 ? Buffer.concat(pieces) : undefined;
  const answer = await fetch(process.env.GAME_URL + request.url, { method: request.method, headers, body });
  const kept = ['content-type', 'set-cookie', 'etag', 'retry-after'].filter((name) => answer.headers.has(name));
  response.writeHead(answer.status, Object.fromEntries(kept.map((name) => [name, answer.headers.get(name)])));
  response.end(Buffer.from(await answer.arrayBuffer()));
}

createServer(async (request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname;
  try {
    if (path === '/v1/chat/completions') return await chat(request, response);
    if (process.env.GAME_URL && path.startsWith('/api/game/')) return await passOn(request, response);
    if (path === '/stats') return json(response, stats());
    if (path === '/v1/models') {
      const demo = {
        id: 'demo',
        object: 'model',
        created: 0,
        owned_by: 'speedwins',
        state: 'ready',
        context: 1024,
        parameters: 4.3e6,
      };
      return json(response, { object: 'list', data: [demo] });
    }
    const file = Object.values(paths).includes(path) ? 'index.html' : normalize(path).replace(/^(\.\.[/\\])+/, '');
    const bytes = await readFile(join(folder, file));
    response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' });
    return response.end(bytes);
  } catch {
    response.writeHead(404, { 'Content-Type': 'application/json' });
    return response.end(
      JSON.stringify({
        error: { message: `There is nothing at ${path}.`, type: 'invalid_request_error', param: null, code: null },
      }),
    );
  }
}).listen(port, '127.0.0.1', () => console.error(`http://127.0.0.1:${port}/`));
