"""Writes the golden models: tiny random checkpoints and what Hugging Face transformers computes from them.

    python tests/golden/generate.py [NAME…]        no name: every case, and the table in README.md

Development-time only. The reference is transformers on the CPU in float32 with eager attention, loaded from the very
files that are committed. README.md describes the outputs; cases.py lists the models.
"""

import json
import re
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GenerationConfig

from cases import CASES, Case
from tiny_tokenizer import write_tokenizer

HERE = Path(__file__).resolve().parent
NEW_TOKENS = 24
STEPWISE_POSITIONS = 8  # stored, from the end of the sequence


def load(folder: Path):
    """The checkpoint as a user's transformers would read it, computing in float32."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def randomise(model, generator: torch.Generator):
    """Weights for which every feature shows: visible logits, uneven attention, norms around one, biases not zero."""
    # Small where tied, else each token predicts itself; smaller yet where the model scales it by sqrt(hidden_size).
    embedding_std = 0.06 if "gemma" in model.config.model_type else 0.12 if model.config.tie_word_embeddings else 1.0
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        gain = 1.8 if re.search(r"\.(q_proj|k_proj|qkv_proj|o_proj|down_proj|out_proj)\.", name) else 1.0
        if re.search(r"(q|k)_norm", name):
            value = 1.5 * (1 + 0.2 * noise)
        elif "norm" in name:  # starts at one, or at zero where the family stores weight - 1
            value = parameter + 0.2 * noise
        elif name.endswith("A_log"):
            value = parameter + 0.3 * noise
        elif name.endswith(".D"):
            value = parameter + 0.5 * noise
        elif name.endswith("dt_proj.bias"):
            value = parameter + noise
        elif name.endswith("bias"):
            value = 0.3 * noise
        elif "embed" in name:
            value = embedding_std * noise
        elif "conv1d" in name:
            value = 0.6 * noise
        else:
            value = gain * noise / parameter.shape[-1] ** 0.5
        parameter.data.copy_(value)


def forward(model, ids, cache=None):
    """Logits [len(ids), vocab] of one call, and the cache after it."""
    name = "cache_params" if "Mamba" in type(model).__name__ else "past_key_values"
    with torch.no_grad():
        output = model(input_ids=torch.tensor([ids]), use_cache=True, **({name: cache} if cache is not None else {}))
    return output.logits[0], getattr(output, name)


class Reference:
    """Runs each computation on a freshly loaded model: dynamic NTK's frequencies outlive a call in transformers."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.model = load(folder)
        self.stateful = "dynamic" in str(getattr(self.model.config, "rope_parameters", ""))

    def fresh(self):
        return load(self.folder) if self.stateful else self.model

    def prefill(self, ids):
        return forward(self.fresh(), ids)[0]

    def stepwise(self, ids, prefix: int):
        """The first `prefix` tokens in one call, then one call per token; logits [len(ids) - prefix, vocab]."""
        model, cache, rows = self.fresh(), None, []
        if prefix:
            _, cache = forward(model, ids[:prefix])
        for token in ids[prefix:]:
            logits, cache = forward(model, [token], cache)
            rows.append(logits[0])
        return torch.stack(rows)

    def greedy(self, ids):
        """The most likely 24 next tokens, the logits [24, vocab] that chose them, and the smallest lead of a choice."""
        options = GenerationConfig(max_new_tokens=NEW_TOKENS, do_sample=False, output_logits=True,
                                   return_dict_in_generate=True, eos_token_id=None, pad_token_id=0)
        model = self.fresh()
        model.generation_config = GenerationConfig()  # the checkpoint's own may sample or stop early
        output = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                                generation_config=options)
        logits = torch.cat(output.logits)
        best = logits.topk(2).values
        new_ids = output.sequences[0, len(ids):].tolist()
        assert len(new_ids) == NEW_TOKENS and new_ids == logits.argmax(-1).tolist()
        return new_ids, logits, (best[:, 0] - best[:, 1]).min().item()


def stored_positions(length: int, window: int):
    """The first two, every fifth, the last eight, and those around the window's first and second length."""
    around = [0, 1] + [w + d for w in (window, 2 * window) for d in (-1, 0, 1)]
    last = range(max(0, length - STEPWISE_POSITIONS), length)
    return sorted({p for p in around if p < length} | set(range(0, length, 5)) | set(last))


def relative(difference: torch.Tensor, reference: torch.Tensor) -> float:
    return (difference.abs().max() / reference.abs().max()).item()


def write_checkpoint(case: Case, folder: Path, generator: torch.Generator):
    """Writes config.json in its published form and random weights, and checks that transformers reads both back."""
    folder.mkdir(parents=True)
    config = case.config | {"torch_dtype": case.dtype}
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    model = AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(folder), dtype=torch.float32,
                                             attn_implementation="eager").eval()
    randomise(model, generator)
    model.to(getattr(torch, case.dtype))
    with tempfile.TemporaryDirectory() as saved_by_transformers:
        saved = Path(saved_by_transformers)
        model.save_pretrained(saved, max_shard_size=case.shard_bytes or "1GB")
        for file in saved.glob("model*"):
            shutil.copy(file, folder)
        if case.old_rotary_buffers:
            tensors = load_file(folder / "model.safetensors")
            for layer in range(config["num_hidden_layers"]):
                name = f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"
                tensors[name] = model.model.rotary_emb.inv_freq.float().clone()
            save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        if case.generation:
            (folder / "generation_config.json").write_text(json.dumps(case.generation, indent=2) + "\n")
        ids = list(range(2, 60))
        published, modern, in_memory = load(folder), load(saved), model.float()
        expected = forward(published, ids)[0]
        assert torch.equal(expected, forward(modern, ids)[0]), "transformers 5's own config.json gives other logits"
        if not case.old_rotary_buffers and case.dtype == "float32":
            assert torch.equal(expected, forward(in_memory, ids)[0]), "the checkpoint gives other logits than its source"


def check_visible(case: Case, folder: Path, ids, expected):
    """Turns each feature off and measures how far the logits move, relative to the largest: golden tests can see it."""
    moved = {}
    for label, change in case.visible.items():
        with tempfile.TemporaryDirectory() as temporary:
            changed = Path(temporary) / "model"
            shutil.copytree(folder, changed)
            if "zero" not in change:
                config = json.loads((folder / "config.json").read_text()) | change
                (changed / "config.json").write_text(json.dumps(config))
            model = load(changed)
            if "zero" in change:
                hits = [p for n, p in model.named_parameters() if re.search(change["zero"], n)]
                assert hits, f"{case.name}: no tensor matches {change['zero']}"
                for parameter in hits:
                    parameter.data.zero_()
            moved[label] = relative(forward(model, ids)[0] - expected, expected)
        assert moved[label] > case.visible_at_least, f"{case.name}: {label} moves the logits by only {moved[label]}"
    return moved


def choose_prompts(case: Case, reference: Reference, generator: torch.Generator):
    """Random prompts whose greedy continuations never hang on a near tie, so that rounding cannot change them."""
    vocab = case.config["vocab_size"]

    def draw(length):
        return torch.randint(3, vocab, (length,), generator=generator).tolist()

    best = None
    for _ in range(20):
        prompts = {"prompt": draw(case.prompt)} | ({"short": draw(case.short)} if case.short else {})
        lead, variety = 1e9, 1e9
        for ids in greedy_starts(case, prompts).values():
            new_ids, logits, margin = reference.greedy(ids)
            lead = min(lead, margin / logits.abs().max().item())
            variety = min(variety, len(set(new_ids)))
        if best is None or (variety >= 6, lead) > best[0]:
            best = ((variety >= 6, lead), prompts)
        if variety >= 6 and lead > 5e-3:
            break
    ragged = {f"ragged.{i}": draw(length) for i, length in enumerate(case.ragged)}
    return best[1] | ragged


def dynamic(case: Case):
    return "dynamic" in json.dumps(case.config.get("rope_scaling"))


def greedy_starts(case: Case, sequences):
    """What to continue: not the long prompt of dynamic NTK, whose continuation depends on the cache's history."""
    starts = {name: ids for name, ids in sequences.items() if name == "short" or name == "prompt" and not dynamic(case)}
    if case.length_threshold and not dynamic(case):
        starts["crossing"] = sequences["prompt"][: case.length_threshold - NEW_TOKENS // 2]
    return starts


def write_golden(case: Case, folder: Path, generator: torch.Generator):
    reference = Reference(folder)
    sequences = choose_prompts(case, reference, generator)
    window = case.config.get("sliding_window") or 16
    tensors, golden = {}, {"architecture": case.config["architectures"][0], "weights": case.dtype}
    golden["made_with"] = {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]}
    golden["notes"] = list(case.notes)

    golden["sequences"] = {}
    for name, ids in sequences.items():
        logits = reference.prefill(ids)
        whole = name in ("prompt", "short")
        positions = stored_positions(len(ids), window) if whole else list(range(max(0, len(ids) - 2), len(ids)))
        tensors[f"{name}.logits"] = logits[positions].contiguous()
        golden["sequences"][name] = {"ids": ids, "positions": positions, "logits": f"{name}.logits"}

    name = "short" if dynamic(case) else "prompt"
    ids, prefix = sequences[name], 0
    if case.length_threshold and len(ids) > case.length_threshold:
        prefix = case.length_threshold + 1
    rows, whole = reference.stepwise(ids, prefix), reference.prefill(ids)
    kept = min(STEPWISE_POSITIONS, len(rows))
    tensors["stepwise.logits"] = rows[-kept:].contiguous()
    golden["stepwise"] = {
        "sequence": name, "prefix": prefix, "positions": list(range(len(ids) - kept, len(ids))),
        "logits": "stepwise.logits", "max_abs_diff_to_prefill": (rows - whole[prefix:]).abs().max().item(),
        "max_rel_diff_to_prefill": relative(rows - whole[prefix:], whole)}
    assert golden["stepwise"]["max_rel_diff_to_prefill"] < 2e-5, golden["stepwise"]
    if case.length_threshold:
        whole = reference.prefill(sequences["prompt"])
        crossing = reference.stepwise(sequences["prompt"], 0)
        golden["stepwise_across_threshold_rel_diff_to_prefill"] = relative(crossing - whole, whole)

    golden["greedy"] = {}
    for name, ids in greedy_starts(case, sequences).items():
        new_ids, logits, margin = reference.greedy(ids)
        kept = [0, NEW_TOKENS - 1]
        tensors[f"greedy.{name}.logits"] = logits[kept].contiguous()
        golden["greedy"][name] = {"ids": ids, "new_ids": new_ids, "smallest_lead": margin, "steps": kept,
                                  "logits": f"greedy.{name}.logits"}

    prompt_logits = reference.prefill(sequences["prompt"])
    golden["logits_std"] = prompt_logits.std().item()
    golden["logits_max"] = prompt_logits.abs().max().item()
    golden["visible"] = check_visible(case, folder, sequences["prompt"], prompt_logits)
    save_file(tensors, folder / "golden.safetensors")
    for file in folder.iterdir():
        file.chmod(0o644)
    text = json.dumps(golden, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)
    (folder / "golden.json").write_text(text + "\n")


def generate(case: Case, root: Path) -> Path:
    seed = zlib.crc32(case.name.encode())
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    folder = root / case.name
    shutil.rmtree(folder, ignore_errors=True)
    write_checkpoint(case, folder, generator)
    if case.tokenizer:
        write_tokenizer(folder, case.config["vocab_size"])
    write_golden(case, folder, generator)
    return folder


def table(root: Path) -> str:
    lines = ["| case | architecture | weights | KiB | prompt | stepwise − prefill, relative | smallest greedy lead |",
             "|---|---|---|---|---|---|---|"]
    for case in CASES:
        folder = root / case.name
        golden = json.loads((folder / "golden.json").read_text())
        size = sum(f.stat().st_size for f in folder.iterdir()) // 1024
        lead = min(g["smallest_lead"] for g in golden["greedy"].values())
        lines.append(f"| {case.name} | {golden['architecture']} | {case.dtype} | {size} | {case.prompt} "
                     f"| {golden['stepwise']['max_rel_diff_to_prefill']:.1e} | {lead:.3f} |")
    return "\n".join(lines)


def main():
    torch.set_num_threads(1)  # one summation order on every machine with the same libraries
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    root = HERE / "models"
    names = sys.argv[1:]
    for case in CASES:
        if not names or case.name in names:
            folder = generate(case, root)
            print(f"{folder.name}: {sum(f.stat().st_size for f in folder.iterdir()) // 1024} KiB", flush=True)
    if not names:
        readme = HERE / "README.md"
        parts = re.split(r"(?<=<!-- cases -->\n).*(?=<!-- end -->)", readme.read_text(), flags=re.S)
        readme.write_text(parts[0] + table(root) + "\n" + parts[1])


if __name__ == "__main__":
    main()
