"""Writes losses and gradients of the golden models: what PyTorch's autograd computes through transformers.

    python tests/golden/generate_gradients.py

Development-time only, after generate.py. Two sequences of each model's goldens are one batch; the loss is the mean
cross-entropy of all their next tokens. Of every gradient the norm and some entries are kept, evenly spread.
"""

import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

HERE = Path(__file__).resolve().parent
MODELS = ("llama", "llama-tied", "llama-biases", "llama-rope-llama3", "mistral-sliding", "qwen2", "qwen3", "phi3",
          "gemma", "gemma2", "mamba", "mamba-odd")
ENTRIES = 12


def gradients(name: str) -> dict:
    folder = HERE / "models" / name
    described = json.loads((folder / "golden.json").read_text())["sequences"]
    sequences = [described[key]["ids"] for key in ("prompt", "ragged.1")]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model.train()
    total, losses = sum(len(ids) - 1 for ids in sequences), 0.0
    for ids in sequences:
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, :-1]
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum") / total
        loss.backward()
        losses += loss.item()
    out = {}
    for tensor, parameter in model.named_parameters():
        flat = parameter.grad.flatten()
        at = torch.linspace(0, flat.numel() - 1, min(ENTRIES, flat.numel())).long().tolist()
        out[tensor] = {"size": flat.numel(), "norm": flat.double().norm().item(),
                       "entries": [[i, float(f"{flat[i].item():.7g}")] for i in at]}
    return {"sequences": sequences, "loss": losses, "gradients": out}


def main() -> None:
    (HERE / "gradients").mkdir(exist_ok=True)
    for name in MODELS:
        lines = json.dumps(gradients(name)).replace('}, "', '},\n "')
        (HERE / "gradients" / f"{name}.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
