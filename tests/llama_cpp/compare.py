"""Compares greedy tokens of speedwins and llama.cpp on the same files: the work of tests/llama_cpp/run.

speedwins continues a prompt. llama.cpp then reads the prompt and that continuation, so that every position is compared
on the same past, and one early difference does not make all later ones meaningless. Where its most likely token is
another one, the lead it gives that token says whether this is a tie that rounding decided: the two programs round at
different places: for Q8_0 and Q4_0 weights both take activations in 8 bits, llama.cpp with a scale for 32 columns,
speedwins for 128; keys and values are F16 in both. So files of these types are also read as F32, and how far both are
from that says what their roundings cost.

With --node the current release of llama.cpp (npm package node-llama-cpp) also continues the prompt by itself. Where it
parts from speedwins the same lead judges both candidates, and it goes on from the token that speedwins chose.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
from golden_copy import GOLDEN, readable_copy
from llama_cpp_low_level import Model

HERE = pathlib.Path(__file__).resolve().parent

# Not among them: sliding windows of Mistral and Qwen2, which llama.cpp ignores; the goldens of Transformers check those.
FAMILIES = ["qwen2", "qwen3", "llama", "llama-biases", "llama-tied", "llama-rope-linear", "llama-rope-llama3",
            "phi3", "phi3-longrope", "gemma", "gemma2", "mamba"]
TYPES = ["F32", "F16", "Q8_0", "Q4_0"]
PROMPT = "The quick brown fox jumps over the lazy dog, and nobody asked it why. "
# A lead of llama.cpp's token below this share of the logits' standard deviation is a tie. F16 weights are multiplied as
# BF16 where the processor does that, with 8 significant bits. Rounding activations to 8 bits moves a logit of these
# models by some 0.02 in either program, at most positions; a lead of 0.30, of 0.32 beside the exact products, is the
# largest seen. Further than three times as far as llama.cpp from the exact log p no file may be.
TIE = {"F32": 0.01, "F16": 0.1}
TIE_QUANTIZED = 0.35
EIGHT_BIT = ("Q8_0", "Q4_0")  # multiplied with 8-bit activations: judged beside the same weights in F32 as well


def speedwins(program, *arguments, stdin=None):
    done = subprocess.run([str(word) for word in (program, *arguments)], input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"speedwins {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def node(args, file, past, count):
    """What node-llama-cpp says next, `count` tokens or until the text ends."""
    done = subprocess.run(["node", HERE / "greedy.mjs", str(file), str(count), *map(str, past)], capture_output=True,
                          text=True, env={**os.environ, "NODE_LLAMA_CPP": str(args.node)})
    if done.returncode != 0:
        raise SystemExit(f"node-llama-cpp failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def partings(args, file, prompt, chosen, rows):
    """Where node-llama-cpp, running free, chooses another token: (position, token, how far both are apart in σ)."""
    found, begin = [], 0
    while begin < len(chosen):
        theirs = node(args, file, prompt + chosen[:begin], len(chosen) - begin)
        parted = next((i for i, (a, b) in enumerate(zip(chosen[begin:], theirs)) if a != b), None)
        if parted is None:
            begin += max(len(theirs), 1)
            continue
        at, token = begin + parted, theirs[parted]
        found.append((at, token, abs(rows[at][token] - rows[at][chosen[at]]) / rows[at].std()))
        begin = at + 1
    return found


def llama_rows(file, prompt, chosen):
    """llama.cpp's logits of each position that chose a token."""
    model = Model("llama_cpp", str(file), threads=2, context_tokens=1024)
    begin, past = len(prompt) - 1, prompt + chosen[:-1]
    model.forward([(id, position, 0, position >= begin) for position, id in enumerate(past)])
    rows = numpy.stack([model.logits(position).astype(numpy.float64) for position in range(begin, len(past))])
    model.close()
    return rows


def judged(rows, chosen):
    """By how many standard deviations another token leads, and the log p of the one that was chosen."""
    picked = rows[numpy.arange(len(chosen)), chosen]
    peak = rows.max(axis=1, keepdims=True)
    return (peak[:, 0] - picked) / rows.std(axis=1), picked - peak[:, 0] - numpy.log(numpy.exp(rows - peak).sum(axis=1))


def compare(args, label, quant, file):
    """Prints the line of one file; False where a token differs by more than a tie."""
    prompt = [int(id) for id in speedwins(args.speedwins, "tokenize", file, stdin=args.prompt + "\n").split()]
    ours = json.loads(speedwins(args.speedwins, "run", file, "--raw", "-p", args.prompt, "-n", args.new_tokens, "-t", 2,
                                "--kv", "f16",  # as llama.cpp stores them
                                "--ignore-eos", "--logprobs", 1, "--json"))
    if ours["prompt_tokens"] != len(prompt):
        raise SystemExit(f"{file}: run read {ours['prompt_tokens']} prompt tokens, tokenize gives {len(prompt)}")
    chosen = ours["tokens"]
    try:
        rows = llama_rows(file, prompt, chosen)
    except SystemExit as refusal:
        print(f"{label:<22}{quant:<8}not read by llama.cpp ({refusal})")
        return True
    leads, logprobs = judged(rows, chosen)
    apart = numpy.abs(logprobs - [step["logprob"] for step in ours["logprobs"]])
    same = int((leads == 0).sum())
    line = (f"{label:<22}{quant:<8}{same:>4} of {len(chosen)} tokens agree   {len(set(chosen)):>3} different ones   "
            f"log p apart: median {numpy.median(apart):.5f}, most {apart.max():.5f}")
    tie = TIE.get(quant, TIE_QUANTIZED)
    from_exact, good = "", True
    if quant in EIGHT_BIT:
        with tempfile.TemporaryDirectory() as folder:
            exact = pathlib.Path(folder) / "exact.gguf"
            speedwins(args.speedwins, "quantize", file, exact, "F32")
            exact_leads, exact_logprobs = judged(llama_rows(exact, prompt, chosen), chosen)
        off, theirs_off = (numpy.median(numpy.abs(exact_logprobs - other))
                           for other in ([step["logprob"] for step in ours["logprobs"]], logprobs))
        from_exact = f"   from the exact log p: {off:.5f}, llama.cpp {theirs_off:.5f}"
        leads = numpy.minimum(leads, exact_leads)
        good = bool(off <= 3 * theirs_off)
    worst = int(leads.argmax())
    if leads[worst] > 0:
        line += f"   largest lead {leads[worst]:.4f} σ at {worst}: {int(rows[worst].argmax())}, not {chosen[worst]}"
    line += from_exact
    good = good and bool(leads[worst] <= tie)
    if args.node:
        parted = partings(args, file, prompt, chosen, rows)
        line += f"   node-llama-cpp parts {len(parted)} times"
        if parted:
            at, token, apart = max(parted, key=lambda parting: parting[2])
            line += f", at most {apart:.4f} σ apart at {at}: {token}, not {chosen[at]}"
            good = good and apart <= 2 * tie  # two releases of llama.cpp, each rounding elsewhere
    print(line if good else line + "   DIFFERENT", flush=True)
    return good


def golden_files(args, folder):
    for family in FAMILIES:
        source = folder / family
        readable_copy(GOLDEN / family, source)
        for quant in TYPES:
            file = folder / f"{family}-{quant}.gguf"
            speedwins(args.speedwins, "convert", source, file, "--type", quant)
            yield family, quant, file
            file.unlink()


def synth_files(args, folder):
    for word in args.synth:
        shape, _, quants = word.partition(":")
        for quant in quants.split(",") if quants else ["F16"]:
            file = folder / f"{shape}-{quant}.gguf"
            speedwins(args.speedwins, "synth", shape, "-o", file, "--quant", quant)
            yield shape, quant, file
            file.unlink()


def main():
    parser = argparse.ArgumentParser(prog="tests/llama_cpp/run", description=__doc__)
    parser.add_argument("--synth", action="append", default=[], metavar="SHAPE[:TYPE,…]")
    parser.add_argument("--model", action="append", default=[], type=pathlib.Path, metavar="FILE")
    parser.add_argument("--new-tokens", "-n", type=int, default=64)
    parser.add_argument("--prompt", "-p", default=PROMPT, help="one line")
    parser.add_argument("--node", type=pathlib.Path, help="a folder with node-llama-cpp in node_modules")
    parser.add_argument("--speedwins", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    different = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file in args.model:
            quant = file.stem.rpartition("-")[2]
            different += not compare(args, file.stem, quant, file)
        if not args.model:
            for label, quant, file in golden_files(args, folder):
                different += not compare(args, label, quant, file)
        for label, quant, file in synth_files(args, folder):
            different += not compare(args, label, quant, file)
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
