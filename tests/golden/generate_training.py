"""Writes the losses of short training runs on tinyshakespeare: what PyTorch's optimizers do to the golden models.

    python tests/golden/generate_training.py PATH/tinyshakespeare.txt

Development-time only. Tokens are the text's bytes. Each of the 50 batches is 8 sequences of 64 inputs, taken one after
another from the beginning; gradients are clipped to norm 1.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

HERE = Path(__file__).resolve().parent
STEPS, SEQUENCES, LENGTH = 50, 8, 64


def run(name: str, optimizer_name: str, text: bytes) -> list[float]:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(HERE / "models" / name, dtype=torch.float32,
                                                 attn_implementation="eager")
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n and "lm_head" not in n]
    heads = [p for n, p in model.named_parameters() if "lm_head" in n]
    rest = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    adamw = dict(lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
    if optimizer_name == "adamw":
        optimizers = [torch.optim.AdamW([{"params": matrices + heads, "weight_decay": 0.1},
                                         {"params": rest, "weight_decay": 0.0}], **adamw)]
    else:
        optimizers = [torch.optim.Muon(matrices, lr=1e-3, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
                      torch.optim.AdamW([{"params": heads, "weight_decay": 0.1},
                                         {"params": rest, "weight_decay": 0.0}], **adamw)]
    losses = []
    for step in range(STEPS):
        first = step * SEQUENCES * LENGTH
        rows = [list(text[first + i * LENGTH: first + (i + 1) * LENGTH + 1]) for i in range(SEQUENCES)]
        batch = torch.tensor(rows)
        logits = model(input_ids=batch[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        losses.append(round(loss.item(), 6))
    return losses


def main() -> None:
    torch.set_num_threads(1)
    text = Path(sys.argv[1]).read_bytes()
    runs = [{"model": model, "optimizer": optimizer, "losses": run(model, optimizer, text)}
            for model, optimizer in (("llama-tied", "adamw"), ("qwen3", "adamw"),
                                     ("llama-tied", "muon"))]
    (HERE / "training.json").write_text(json.dumps(runs) + "\n")


if __name__ == "__main__":
    main()
