"""Times llama.cpp or ik_llama.cpp through the C functions of a Python binding; prints one JSON line.

One call of llama_decode for each chunk of 512 prompt tokens and for each step; the most likely token is found in
numpy. Python's share of a step is below 0.2 ms.
"""

import argparse

import measure
from llama_cpp_low_level import Model

parser = measure.flags(argparse.ArgumentParser())
parser.add_argument("--binding", choices=["llama_cpp", "ik_llama_cpp"], default="llama_cpp")
args = parser.parse_args()

CHUNK = 512
before = measure.memory("VmRSS")
start = measure.clock_ms()
model = Model(args.binding, args.model, args.threads, (args.prompt_tokens + args.new_tokens) * args.batch + 64 * args.batch,
              args.batch)
load_ms = measure.clock_ms() - start


def prefill(tokens, sequence):
    ids = measure.prompt(tokens, model.vocabulary, sequence)
    for begin in range(0, tokens, CHUNK):
        end = min(begin + CHUNK, tokens)
        model.forward([(ids[i], i, sequence, i == tokens - 1) for i in range(begin, end)])
    return int(model.logits((tokens - 1) % CHUNK).argmax())


def run(new_tokens):
    """Milliseconds of reading every prompt, and of the new tokens."""
    model.forget()
    begin = measure.clock_ms()
    last = [prefill(args.prompt_tokens, s) for s in range(args.batch)]
    read = measure.clock_ms()
    for step in range(new_tokens):
        model.forward([(token, args.prompt_tokens + step, s, True) for s, token in enumerate(last)])
        last = [int(model.logits(s).argmax()) for s in range(args.batch)]
    return read - begin, measure.clock_ms() - read


prefill(16, 0)
first_token_ms = measure.clock_ms() - start
run(8)  # warm up
prefill_ms, decode_ms = run(args.new_tokens)
measure.report(load_ms=load_ms, first_token_ms=first_token_ms,
               prefill_tok_s=args.batch * args.prompt_tokens / prefill_ms * 1e3,
               decode_tok_s=args.batch * args.new_tokens / decode_ms * 1e3,
               peak_bytes=measure.memory("VmHWM") - before)
