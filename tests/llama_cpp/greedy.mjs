// Greedy continuation by llama.cpp (npm package node-llama-cpp), to compare this program with.
//
//   node greedy.mjs MODEL.gguf N ID…              the N most likely ids after the prompt, as a JSON array
//
// NODE_LLAMA_CPP names the folder the package is installed in, when it is not found from here.
import path from "node:path";
import {pathToFileURL} from "node:url";

const folder = process.env.NODE_LLAMA_CPP;
const entry = folder
    ? pathToFileURL(path.resolve(folder, "node_modules/node-llama-cpp/dist/index.js")).href
    : "node-llama-cpp";
const {getLlama, LlamaLogLevel} = await import(entry);

const [modelPath, count, ...rest] = process.argv.slice(2);
if (!modelPath || !count || rest.length === 0) {
    console.error("usage: node greedy.mjs MODEL.gguf N ID…");
    process.exit(2);
}

const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: 2});
const model = await llama.loadModel({modelPath});
const prompt = rest.map(Number);
const context = await model.createContext({contextSize: prompt.length + Number(count) + 8});
const ids = [];
for await (const token of context.getSequence().evaluate(prompt, {temperature: 0, yieldEogToken: true})) {
    ids.push(token);
    if (ids.length === Number(count)) break;
}
console.log(JSON.stringify(ids));
await llama.dispose();
