// Times the current llama.cpp as the npm package node-llama-cpp ships it; prints one JSON line.
// Its evaluation loop costs about 10 ms a token, so that its decode rate says little about llama.cpp.
//
//   node node_llama_cpp.mjs PACKAGE_FOLDER MODEL.gguf THREADS PROMPT_TOKENS NEW_TOKENS
import {readFileSync} from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

const [folder, modelPath, ...numbers] = process.argv.slice(2);
const [threads, promptTokens, newTokens] = numbers.map(Number);
const {getLlama, LlamaLogLevel} = await import(
    pathToFileURL(path.resolve(folder, "node_modules/node-llama-cpp/dist/index.js")).href);

const memory = (field) =>
    1024 * Number(readFileSync("/proc/self/status", "utf8").match(new RegExp(`${field}:\\s+(\\d+)`))[1]);
const prompt = (tokens, sequence) => Array.from({length: tokens}, (_, i) => (7919 * (i + 1) + 104729 * sequence) % 30000);

const before = memory("VmRSS");
const llama = await getLlama({gpu: false, build: "never", maxThreads: threads, logLevel: LlamaLogLevel.error});
const start = performance.now();
const model = await llama.loadModel({modelPath, gpuLayers: 0});
const context = await model.createContext({
    contextSize: promptTokens + newTokens + 64, batchSize: 512, threads, flashAttention: true});
const sequence = context.getSequence();
const loadMs = performance.now() - start;

async function run(promptLength, newLength, which) {
    await sequence.clearHistory();
    const tokens = prompt(promptLength, which);
    const begin = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(0, -1));
    let count = 0, read = 0;
    for await (const _ of sequence.evaluate(tokens.slice(-1), {temperature: 0, yieldEogToken: true})) {
        if (count++ === 0) read = performance.now();
        if (count > newLength) break;
    }
    return [read - begin, performance.now() - read];
}

await run(16, 0, 0);
const firstTokenMs = performance.now() - start;
await run(promptTokens, 8, 1);
const [prefillMs, decodeMs] = await run(promptTokens, newTokens, 2);
console.log(JSON.stringify({
    load_ms: loadMs, first_token_ms: firstTokenMs,
    prefill_tok_s: promptTokens / prefillMs * 1e3, decode_tok_s: newTokens / decodeMs * 1e3,
    peak_bytes: memory("VmHWM") - before}));
process.exit(0);
