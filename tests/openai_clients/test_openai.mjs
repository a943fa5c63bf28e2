// The official JavaScript client, unchanged, against a running server: the address is the only argument.
// Prints GoogleTest's lines, which ./test counts.

import assert from 'node:assert/strict';
import OpenAI from 'openai';

const address = process.argv[2];
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'secret-of-the-tests', maxRetries: 0, timeout: 60_000 });
const messages = [{ role: 'user', content: 'What is a KV cache?' }];

const tests = {
  async modelsAreListed() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.deepEqual(ids, ['demo']);
  },

  async aStreamIsTheWholeAnswerInPieces() {
    const options = { model: 'demo', messages, max_tokens: 24, seed: 3, temperature: 0.8 };
    const whole = await client.chat.completions.create(options);
    const stream = await client.chat.completions.create({
      ...options,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.deepEqual(usage.total_tokens, whole.usage.total_tokens);
  },

  async aStreamCanBeAborted() {
    const stream = await client.chat.completions.create({
      model: 'demo',
      messages,
      max_tokens: 400,
      stream: true,
      ignore_eos: true,
    });
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      stream.controller.abort();
      break;
    }
  },

  async aSchemaIsKept() {
    const schema = {
      type: 'object',
      properties: { colour: { enum: ['red', 'green'] }, n: { type: 'integer', minimum: 1, maximum: 9 } },
      required: ['colour', 'n'],
      additionalProperties: false,
    };
    const answer = await client.chat.completions.create({
      model: 'demo',
      messages,
      max_tokens: 100,
      response_format: { type: 'json_schema', json_schema: { name: 'choice', strict: true, schema } },
    });
    const { colour, n } = JSON.parse(answer.choices[0].message.content);
    assert.ok(['red', 'green'].includes(colour) && n >= 1 && n <= 9);
  },

  async completionsAndEmbeddingsWork() {
    const completion = await client.completions.create({ model: 'demo', prompt: 'A KV cache', max_tokens: 5 });
    assert.equal(typeof completion.choices[0].text, 'string');
    const embeddings = await client.embeddings.create({ model: 'demo', input: 'cache' });
    const length = Math.hypot(...embeddings.data[0].embedding);
    assert.ok(Math.abs(length - 1) < 1e-3);
  },

  async errorsAreTheClientsOwn() {
    await assert.rejects(client.chat.completions.create({ model: 'none', messages }), OpenAI.NotFoundError);
    await assert.rejects(client.chat.completions.create({ model: 'demo', messages: [] }), OpenAI.BadRequestError);
    const stranger = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'wrong', maxRetries: 0 });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  const start = performance.now();
  let outcome = '[       OK ]';
  try {
    await test();
  } catch (error) {
    console.log(error);
    outcome = '[  FAILED  ]';
    ++failed;
  }
  console.log(`${outcome} OpenAIJavaScript.${name} (${Math.round(performance.now() - start)} ms)`);
}
process.exit(failed ? 1 : 0);
