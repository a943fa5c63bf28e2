"""Times OpenVINO GenAI, which reads GGUF files of Qwen2 and Llama shapes itself; prints one JSON line.

Its pipeline answers whole requests: prefill is the time to the first token, decode the mean time between tokens, both
as its own metrics give them (over all sequences of a batch). Each request gets other prompts, since it keeps the prefix
of the one before.
"""

import argparse

import measure
import numpy
import openvino
import openvino_genai

args = measure.flags(argparse.ArgumentParser()).parse_args()

before = measure.memory("VmRSS")
start = measure.clock_ms()
pipeline = openvino_genai.LLMPipeline(args.model, "CPU", INFERENCE_NUM_THREADS=args.threads)
load_ms = measure.clock_ms() - start


def generate(prompt_tokens, new_tokens, sequence, batch=args.batch):
    ids = numpy.array([measure.prompt(prompt_tokens, 30000, sequence + i) for i in range(batch)], dtype=numpy.int64)
    inputs = openvino_genai.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(numpy.ones_like(ids)))
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens, config.ignore_eos, config.do_sample = new_tokens, True, False
    return pipeline.generate(inputs, config).perf_metrics


generate(16, 1, 0, batch=1)
first_token_ms = measure.clock_ms() - start
generate(args.prompt_tokens, 8, 1)  # warm up
metrics = generate(args.prompt_tokens, args.new_tokens, 1 + args.batch)
measure.report(load_ms=load_ms, first_token_ms=first_token_ms,
               prefill_tok_s=args.batch * args.prompt_tokens / metrics.get_ttft().mean * 1e3,
               decode_tok_s=1e3 / metrics.get_tpot().mean,
               peak_bytes=measure.memory("VmHWM") - before)
