"""Writes perplexity.json: the perplexity of fixed tokens under golden models, by two published recipes.

    python tests/golden/generate_perplexity.py

transformers: the loop of "Perplexity of fixed-length models" in its documentation, word for word.
llama_cpp: what llama.cpp's `perplexity` computes: windows that do not overlap, scored from the middle on. Its formula
is written out here over the logits of transformers.
"""

import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

HERE = Path(__file__).resolve().parent
WINDOW, STRIDE, TOKENS = 24, 10, 100


def transformers_recipe(model, ids):
    seq_len = ids.size(1)
    nll_sum, n_tokens, prev_end_loc = 0.0, 0, 0
    for begin_loc in range(0, seq_len, STRIDE):
        end_loc = min(begin_loc + WINDOW, seq_len)
        trg_len = end_loc - prev_end_loc
        input_ids = ids[:, begin_loc:end_loc]
        target_ids = input_ids.clone()
        target_ids[:, :-trg_len] = -100
        with torch.no_grad():
            neg_log_likelihood = model(input_ids, labels=target_ids).loss
        num_valid_tokens = (target_ids != -100).sum().item()
        num_loss_tokens = num_valid_tokens - target_ids.size(0)
        nll_sum += neg_log_likelihood.item() * num_loss_tokens
        n_tokens += num_loss_tokens
        prev_end_loc = end_loc
        if end_loc == seq_len:
            break
    return float(torch.exp(torch.tensor(nll_sum / n_tokens, dtype=torch.float64)))


def llama_cpp_recipe(model, ids):
    nll, count = 0.0, 0
    for begin in range(0, ids.size(1) - WINDOW + 1, WINDOW):
        window = ids[:, begin : begin + WINDOW]
        with torch.no_grad():
            log_p = torch.log_softmax(model(window).logits[0].double(), dim=-1)
        for j in range(WINDOW // 2, WINDOW - 1):
            nll -= log_p[j, window[0, j + 1]].item()
            count += 1
    return float(torch.exp(torch.tensor(nll / count, dtype=torch.float64)))


cases = {}
for name in ["llama", "qwen2", "mamba"]:
    model = AutoModelForCausalLM.from_pretrained(
        HERE / "models" / name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    ids = torch.randint(0, model.config.vocab_size, (1, TOKENS), generator=torch.Generator().manual_seed(7))
    cases[name] = {
        "tokens": ids[0].tolist(),
        "transformers": transformers_recipe(model, ids),
        "llama_cpp": llama_cpp_recipe(model, ids),
    }
(HERE / "perplexity.json").write_text(json.dumps({"window": WINDOW, "stride": STRIDE, "cases": cases}) + "\n")
