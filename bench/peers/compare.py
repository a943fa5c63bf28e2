"""Runs the engines in turn on the same files and prints ratios: the work of bench/peers/run."""

import argparse
import json
import pathlib
import statistics
import sys

from engines import Failed, Job, Machine, Speedwins, all_peers, last_json, output_of

QUANTS = "Q4_0,Q8_0,F16,Q4_K_M"
DEFAULT_QUANT = {"qwen2.5-1.5b": "Q4_0", "phi-3-mini": "Q4_0", "mamba-2.8b": "Q4_0"}
FIGURES = {  # name: (label, scale, digits, higher is better)
    "prefill_tok_s": ("prefill, tok/s", 1, 0, True),
    "decode_tok_s": ("decode, tok/s", 1, 1, True),
    "first_token_ms": ("load to first token, ms", 1, 0, False),
    "peak_bytes": ("peak memory, MB", 1e-6, 0, False),
}
BATCHES, BATCH_PROMPT, BATCH_NEW = (1, 8, 32), 128, 32
BATCH_QUANTS = ("Q4_0", "Q8_0")
OURS = "speedwins"


def say(text):
    print(text, file=sys.stderr, flush=True)


def parse():
    parser = argparse.ArgumentParser(prog="bench/peers/run", description=__doc__)
    parser.add_argument("--models", default="qwen2.5-0.5b", metavar="SHAPE[:TYPE],…",
                        help="shapes of `speedwins synth`; qwen2.5-0.5b without a type stands for " + QUANTS)
    parser.add_argument("--rounds", type=int, default=5, help="each round runs every engine once (default 5)")
    parser.add_argument("--quick", action="store_true", help="two rounds")
    parser.add_argument("--threads", "-t", type=int, default=2)
    parser.add_argument("--prompt-tokens", "-p", type=int, default=512)
    parser.add_argument("--new-tokens", "-n", type=int, default=128)
    parser.add_argument("--only", metavar="ENGINE,…", help="these peers only, by the names in the table")
    parser.add_argument("--no-batches", action="store_true", help="leave out decoding several sequences together")
    parser.add_argument("--json", metavar="FILE", help="write every sample to FILE")
    parser.add_argument("--peers", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--speedwins", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.quick:
        args.rounds = 2
    return args


def models(args, log):
    """(shape, type, file) of every model asked for, made where it is missing."""
    folder = args.peers / "models"
    folder.mkdir(exist_ok=True)
    for word in args.models.split(","):
        shape, _, quant = word.partition(":")
        quants = quant or (QUANTS if shape == "qwen2.5-0.5b" else DEFAULT_QUANT.get(shape, "Q4_0"))
        for one in quants.split(","):
            file = folder / f"{shape}-{one}.gguf"
            if not file.exists():
                say(f"Making {file.name}…")
                output_of([args.speedwins, "synth", shape, "-o", file, "--quant", one], log)
            yield shape, one, file


class Rounds:
    """Every sample of one job: samples[engine][figure] is a list with one number for each round."""

    def __init__(self, job, engines):
        self.job, self.samples, self.left_out = job, {}, {}
        self.bandwidth, self.others = [], []
        for engine in engines:
            if not engine.installed():
                self.left_out[engine.name] = "not installed"
            elif reason := engine.refuses(job):
                self.left_out[engine.name] = reason
        self.engines = [engine for engine in engines if engine.name not in self.left_out]

    def run(self, rounds, machine):
        for number in range(rounds):
            self.bandwidth.append(machine.read_bandwidth())
            for engine in list(self.engines):
                say(f"{self.job.shape} {self.job.quant} batch {self.job.batch}: round {number + 1}, {engine.name}")
                figures = self._measure(engine, machine)
                for name, value in figures.items():
                    self.samples.setdefault(engine.name, {}).setdefault(name, []).append(value)
        return self

    def _measure(self, engine, machine):
        busy, own = machine.cpu_seconds()
        try:
            figures = engine.measure(self.job)
        except Failed as failure:
            self.engines.remove(engine)
            self.samples.pop(engine.name, None)
            self.left_out[engine.name] = str(failure)
            return {}
        busy_after, own_after = machine.cpu_seconds()
        spent = own_after - own
        self.others.append(max(0.0, busy_after - busy - spent) / max(spent, 1e-9))
        return figures

    def median(self, engine, figure):
        return statistics.median(self.samples[engine][figure])

    def advantages(self, engine, figure):
        """How many times better ours is, round by round: above 1 is ahead, whichever way the figure counts."""
        higher = FIGURES[figure][3]
        pairs = zip(self.samples[OURS][figure], self.samples[engine][figure])
        return [ours / theirs if higher else theirs / ours for ours, theirs in pairs]


def cell(rounds, engine, figure):
    if figure not in rounds.samples.get(engine, {}):
        return "–"
    _, scale, digits, _ = FIGURES[figure]
    absolute = f"{rounds.median(engine, figure) * scale:,.{digits}f}"
    if engine == OURS:
        return absolute
    ratios = rounds.advantages(engine, figure)
    return f"{absolute} · **{statistics.median(ratios):.2f}×** ({min(ratios):.2f}–{max(ratios):.2f})"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(rounds, cost):
    names = [engine.name for engine in rounds.engines]
    job = rounds.job
    lines = [f"### {job.shape} {job.quant}, {job.model.stat().st_size / 1e6:,.0f} MB", "",
             row(["", *names]), row(["---"] * (len(names) + 1))]
    for figure, (label, *_) in FIGURES.items():
        lines.append(row([label, *(cell(rounds, name, figure) for name in names)]))
    lines.append(row(["decode, of the bandwidth bound", *(bound_share(rounds, name, cost) for name in names)]))
    lines += ["", f"Read bandwidth {spread(rounds.bandwidth, 1e-9, 1)} GB/s; {cost / 1e6:,.0f} MB read for a token."]
    lines += [f"Not run: {name}: {reason}." for name, reason in rounds.left_out.items()]
    return "\n".join(lines) + "\n"


def bound_share(rounds, engine, cost):
    shares = [rate * cost / bandwidth
              for rate, bandwidth in zip(rounds.samples[engine]["decode_tok_s"], rounds.bandwidth)]
    return f"{statistics.median(shares):.0%}"


def batch_table(by_batch):
    first = by_batch[BATCHES[0]]
    names = [engine.name for engine in first.engines]
    lines = [f"### {first.job.shape} {first.job.quant}: sequences decoded together, prompt {BATCH_PROMPT}, "
             f"{BATCH_NEW} new tokens, tok/s in all", "", row(["", *names]), row(["---"] * (len(names) + 1))]
    for batch, rounds in by_batch.items():
        lines.append(row([f"batch {batch}", *(cell(rounds, name, "decode_tok_s") for name in names)]))
    for batch in BATCHES[1:]:
        growth = [by_batch[batch].median(name, "decode_tok_s") / first.median(name, "decode_tok_s")
                  if name in by_batch[batch].samples else None for name in names]
        lines.append(row([f"batch {batch} against 1", *("–" if g is None else f"{g:.2f}×" for g in growth)]))
    return "\n".join(lines) + "\n"


def spread(values, scale, digits):
    return (f"{statistics.median(values) * scale:.{digits}f} "
            f"({min(values) * scale:.{digits}f}–{max(values) * scale:.{digits}f})")


def main():
    args = parse()
    log = args.peers / "engines.log"
    log.unlink(missing_ok=True)
    ours = Speedwins(args.speedwins.resolve(), log)
    peers = all_peers(args.peers, log)
    if args.only:
        wanted = args.only.split(",")
        if unknown := set(wanted) - {peer.name for peer in peers}:
            raise SystemExit(f"unknown engine {', '.join(unknown)}; there are: {', '.join(p.name for p in peers)}")
        peers = [peer for peer in peers if peer.name in wanted]
    machine = Machine(args.peers, args.threads, log)

    print(f"{ours.version} and " + ", ".join(f"{peer.name} {peer.version}" for peer in peers if peer.installed()) + ".")
    print(f"{args.threads} threads, prompt {args.prompt_tokens}, {args.new_tokens} new tokens, {args.rounds} rounds in "
          "turn. A cell: the median, **how many times better speedwins is** (median of the rounds; lowest–highest).\n")
    everything = []
    for shape, quant, file in models(args, log):
        job = Job(file.resolve(), shape, quant, args.threads, args.prompt_tokens, args.new_tokens)
        about = last_json(output_of([ours.program, "inspect", job.model, "--json"], log))
        cost = about["bytes_per_token"] + about["kv_bytes_per_token"] * (job.prompt_tokens + job.new_tokens / 2)
        rounds = Rounds(job, [ours, *peers]).run(args.rounds, machine)
        print(table(rounds, cost), flush=True)
        everything.append(rounds)
        if quant in BATCH_QUANTS and not args.no_batches:
            by_batch = {batch: Rounds(Job(job.model, shape, quant, args.threads, BATCH_PROMPT, BATCH_NEW, batch),
                                      [ours, *(p for p in peers if not p.refuses(Job(job.model, shape, quant, 1, 1, 1, 8)))])
                        for batch in BATCHES}
            for rounds in by_batch.values():
                everything.append(rounds.run(args.rounds, machine))
            print(batch_table(by_batch), flush=True)
    others = [share for rounds in everything for share in rounds.others]
    print(f"Other processes used {statistics.median(others):.0%} of the CPU time that the engines used (median; at most "
          f"{max(others):.0%}): above a few percent, believe the ratios and not the rates.")
    if args.json:
        samples = [{**vars(r.job), "model": str(r.job.model), "read_bandwidth": r.bandwidth, "other_cpu": r.others,
                    "engines": r.samples, "left_out": r.left_out} for r in everything]
        versions = {engine.name: engine.version for engine in [ours, *peers]}
        pathlib.Path(args.json).write_text(json.dumps({"versions": versions, "measured": samples}, indent=1))


if __name__ == "__main__":
    main()
