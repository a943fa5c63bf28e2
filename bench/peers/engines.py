"""The engines that are compared: how each is run, what it cannot run and why.

An engine's `measure(job)` runs one process and returns its figures; `refuses(job)` says why it is not asked to.
"""

import dataclasses
import json
import os
import pathlib
import resource
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Job:
    model: pathlib.Path
    shape: str
    quant: str
    threads: int
    prompt_tokens: int
    new_tokens: int
    batch: int = 1

    def flags(self):
        return ["--threads", str(self.threads), "--prompt-tokens", str(self.prompt_tokens),
                "--new-tokens", str(self.new_tokens), "--batch", str(self.batch)]


class Failed(Exception):
    """An engine ended without figures; the text is the end of what it said."""


def output_of(command, log, stdin=None):
    with open(log, "a") as errors:
        done = subprocess.run([str(word) for word in command], input=stdin, stdout=subprocess.PIPE, stderr=errors,
                              text=True, cwd=HERE / "engines", timeout=1800)
    if done.returncode != 0:
        raise Failed(f"exit code {done.returncode}, see {log}")
    return done.stdout


def last_json(text):
    return json.loads(text.strip().splitlines()[-1])


class Speedwins:
    name = "speedwins"

    def __init__(self, program, log):
        self.program, self.log = program, log
        self.version = output_of([program, "--version"], log).strip()

    def installed(self):
        return True

    def refuses(self, job):
        return None

    def measure(self, job):
        bench = last_json(output_of(
            [self.program, "bench", job.model, "-p", job.prompt_tokens, "-n", job.new_tokens, "-b", job.batch,
             "-t", job.threads, "-r", 1, "--json"], self.log))
        figures = {name: bench[name]["median"] for name in ("prefill_tok_s", "decode_tok_s", "load_ms")}
        figures["peak_bytes"] = bench["peak_rss_bytes"]["median"]
        if job.batch == 1:
            text = self._text_of(job.model, 16)
            start = time.perf_counter()
            output_of([self.program, "run", job.model, "--raw", "-p", text, "-n", 1, "-t", job.threads, "--json"],
                      self.log)
            figures["first_token_ms"] = (time.perf_counter() - start) * 1e3
        return figures

    def _text_of(self, model, n_tokens):
        text = "The answer to the question is 42, she said, and they believed her for once. " * 2
        starts = [text[:n] for n in range(1, len(text))]
        lines = output_of([self.program, "tokenize", model], self.log, "\n".join(starts) + "\n").splitlines()
        return next(start for start, line in zip(starts, lines) if len(line.split()) == n_tokens)


class Peer:
    """An engine in its own folder under the peers' folder."""

    def __init__(self, name, folder, package, script, log, arguments=(), refuses=lambda job: None):
        self.name, self.folder, self.package, self.log = name, folder, package, log
        self.script, self.arguments, self.refuses = script, list(arguments), refuses
        self.version = self._version() if self.installed() else None

    def installed(self):
        return self.folder.with_suffix(".installed").exists()

    def _version(self):
        found = sorted(self.folder.glob(f"lib/python*/site-packages/{self.package.replace('-', '_')}-*.dist-info"))
        return found[-1].name.removesuffix(".dist-info").rpartition("-")[2] if found else ""

    def measure(self, job):
        return last_json(output_of([self.folder / "bin/python", self.script, job.model, *job.flags(), *self.arguments],
                                   self.log))


class NodePeer(Peer):
    def _version(self):
        return json.loads((self.folder / "node_modules" / self.package / "package.json").read_text())["version"]

    def measure(self, job):
        return last_json(output_of(["node", self.script, self.folder, job.model, job.threads, job.prompt_tokens,
                                    job.new_tokens], self.log))


def all_peers(folder, log):
    def one_sequence(job):
        return "one sequence at a time" if job.batch != 1 else None

    def openvino(job):
        if not job.shape.startswith(("qwen2", "llama", "smollm2")):
            return "its GGUF reader knows Llama and Qwen shapes only"
        if job.quant not in ("Q4_0", "Q8_0", "F16", "Q4_K_M"):
            return "its GGUF reader does not know this type"
        return None

    def ctranslate2(job):
        if not job.shape.startswith("qwen2"):
            return "the comparison builds its model file for Qwen2 shapes only"
        if job.quant != "Q8_0":
            return "on the CPU it has int8 weights, compared with Q8_0, and none of fewer bits"
        return None

    return [
        Peer("llama.cpp", folder / "llama_cpp", "llama-cpp-python", "llama_cpp_bench.py", log),
        Peer("ik_llama.cpp", folder / "ik_llama_cpp", "ik-llama-cpp-python", "llama_cpp_bench.py", log,
             ["--binding", "ik_llama_cpp"]),
        NodePeer("llama.cpp (npm)", folder / "node_llama_cpp", "node-llama-cpp", "node_llama_cpp.mjs", log,
                 refuses=one_sequence),
        Peer("OpenVINO GenAI", folder / "openvino", "openvino-genai", "openvino_genai_gguf.py", log, refuses=openvino),
        Peer("CTranslate2", folder / "ctranslate2", "ctranslate2", "ctranslate2_int8.py", log, refuses=ctranslate2),
    ]


class Machine:
    """What the machine could do, and what else it did, while the engines ran."""

    def __init__(self, folder, threads, log):
        self.program, self.threads, self.log = folder / "bandwidth.program", threads, log

    def read_bandwidth(self):
        return float(output_of([self.program, self.threads], self.log)) * 1e9

    @staticmethod
    def cpu_seconds():
        """Busy seconds of all cores since the start, and those of this program's ended children."""
        with open("/proc/stat") as stat:
            ticks = [int(field) for field in stat.readline().split()[1:9]]
        busy = sum(ticks) - ticks[3] - ticks[4]
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        return busy / os.sysconf("SC_CLK_TCK"), own.ru_utime + own.ru_stime
