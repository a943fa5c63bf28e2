"""Training speed beside PyTorch on the same machine, in turn.

    python bench/train/compare.py build/speedwins TEXT [--rounds 3] [--steps 12] [--threads 2] [--only 5m] [--cpu]

Llama-shaped models of about 5 and 30 million parameters, sequences of 256, 2,048 tokens an update, AdamW. Each round
runs Speed Wins, PyTorch and, where it works, torch.compile one after another; a ratio is taken within a round, so that
what else the machine does falls on all of them. Rates are medians of the steps of a run, the first two left out.
On a machine that others use too, --cpu --threads 1 counts seconds of the processor instead of the clock's.
Needs torch; development only.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHAPES = {
    "5m": dict(vocab=4096, width=256, hidden=768, layers=6, heads=8, kv_heads=4),
    "30m": dict(vocab=8192, width=512, hidden=1536, layers=8, heads=8, kv_heads=4),
}
SEQUENCE, BATCH = 256, 8


def recipe(shape: dict, precision: str, steps: int, text: Path, out: Path) -> str:
    return f"""seed = 1
out = "{out}"
[model]
architectures = ["LlamaForCausalLM"]
hidden_size = {shape["width"]}
intermediate_size = {shape["hidden"]}
num_hidden_layers = {shape["layers"]}
num_attention_heads = {shape["heads"]}
num_key_value_heads = {shape["kv_heads"]}
max_position_embeddings = {SEQUENCE}
rms_norm_eps = 1e-5
tie_word_embeddings = true
[tokenizer]
vocab_size = {shape["vocab"]}
[data]
train = "{text}"
validation_share = 0.0
sequence = {SEQUENCE}
[train]
steps = {steps}
batch_tokens = {BATCH * SEQUENCE}
precision = "{precision}"
save_every = 1000000
validate_every = 1000000
"""


def train(program: str, path: Path, out: Path, threads: int) -> tuple[dict, float]:
    """What a run from the beginning reports, and the processor's seconds it took."""
    subprocess.run(["rm", "-rf", str(out / "checkpoints"), str(out / "log.jsonl")], check=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run([program, "train", str(path), "--json", "-t", str(threads)], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(run.stderr + run.stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(run.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(program: str, shape: dict, precision: str, args, work: Path) -> dict:
    out, path, text = work / f"{shape['width']}", work / "recipe.toml", Path(args.text).resolve()
    if args.cpu:  # what more steps take more; the first of these runs may still train the tokenizer
        seconds = {}
        for steps in (1, 2, args.steps):
            path.write_text(recipe(shape, precision, steps, text, out))
            result, seconds[steps] = train(program, path, out, args.threads)
        rate = (args.steps - 2) * BATCH * SEQUENCE / (seconds[args.steps] - seconds[2])
    else:
        path.write_text(recipe(shape, precision, args.steps, text, out))
        result, _ = train(program, path, out, args.threads)
        rate = statistics.median([json.loads(line)["tok_s"] for line in (out / "log.jsonl").read_text().splitlines()][2:])
    return {"tok_s": rate, "bytes": result["peak_rss_bytes"], "share": result["flop_limit_share"]}


def torchs(shape: dict, precision: str, compiled: bool, args) -> dict | None:
    request = json.dumps(shape | dict(sequence=SEQUENCE, batch=BATCH, steps=args.steps, threads=args.threads,
                                      bf16=precision == "bf16", compiled=compiled, cpu=args.cpu))
    run = subprocess.run([sys.executable, str(HERE / "torch_run.py"), request], capture_output=True, text=True,
                         env=os.environ | {"OMP_NUM_THREADS": str(args.threads)})
    return json.loads(run.stdout.splitlines()[-1]) if run.returncode == 0 else None


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("text")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=SHAPES)
    parser.add_argument("--precision", choices=("fp32", "bf16"))
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--cpu", action="store_true", help="count seconds of the processor")
    args = parser.parse_args()
    print("| model | precision | tok/s | of the FLOP limit | ÷ PyTorch | ÷ torch.compile | memory ÷ PyTorch |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, shape in SHAPES.items():
            for precision in ("fp32", "bf16"):
                if args.only not in (None, name) or args.precision not in (None, precision):
                    continue
                own, eager, compiled = [], [], []
                for _ in range(args.rounds):
                    own.append(ours(args.program, shape, precision, args, Path(folder)))
                    eager.append(torchs(shape, precision, False, args))
                    compiled.append(None if args.no_compile else torchs(shape, precision, True, args))
                ratios = [o["tok_s"] / e["tok_s"] for o, e in zip(own, eager) if e]
                fused = [o["tok_s"] / c["tok_s"] for o, c in zip(own, compiled) if c]
                memory = [o["bytes"] / e["bytes"] for o, e in zip(own, eager) if e]
                print(f"| {name} | {precision} | {statistics.median(o['tok_s'] for o in own):.0f} "
                      f"| {statistics.median(o['share'] for o in own):.0%} | {spread(ratios) if ratios else '-'} "
                      f"| {spread(fused) if fused else '-'} | {spread(memory) if memory else '-'} |", flush=True)


if __name__ == "__main__":
    main()
