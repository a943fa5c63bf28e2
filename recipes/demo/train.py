"""Trains the demo model on generated conversations and writes a Hugging Face folder."""

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from corpus import Corpus
from model import Config, Llama
from tokenizer import END_OF_TEXT, TURN_END, TURN_START, save_tokenizer, train_tokenizer

PROMPT_WEIGHT = 0.1  # of the loss on tokens the user or system wrote
WARM_UP, DECAY = 0.02, 0.35  # shares of the run: warm-up, stable, decay to zero


def encode(tokenizer: Tokenizer, messages: list[dict]) -> tuple[list[int], list[float]]:
    """Token ids of a ChatML conversation and the loss weight of each token as a target."""
    start, end = tokenizer.token_to_id(TURN_START), tokenizer.token_to_id(TURN_END)
    newline = tokenizer.encode("\n").ids
    ids, weights = [], []
    for message in messages:
        head = [start, *tokenizer.encode(message["role"] + "\n").ids]
        body = [*tokenizer.encode(message["content"]).ids, end]
        ids += head + body + newline
        weight = 1.0 if message["role"] == "assistant" else PROMPT_WEIGHT
        weights += [0.0] * len(head) + [weight] * len(body) + [0.0] * len(newline)
    return ids, weights


def batches(tokenizer: Tokenizer, seed: int, tokens: int):
    """Batches of conversations of like length, each padded to `tokens` in all; every conversation starts at position 0."""
    corpus, rng = Corpus(), random.Random(seed)
    limit = Config.max_position_embeddings
    while True:
        pool = [encode(tokenizer, corpus.conversation(rng)) for _ in range(2048)]
        pool = sorted((p for p in pool if len(p[0]) <= limit), key=lambda p: len(p[0]))
        groups, group = [], []
        for item in pool:
            if group and (len(group) + 1) * len(item[0]) > tokens:
                groups.append(group)
                group = []
            group.append(item)
        groups.append(group)
        rng.shuffle(groups)
        for group in groups:
            width = max(len(ids) for ids, _ in group)
            ids = torch.zeros(len(group), width, dtype=torch.long)
            weights = torch.zeros(len(group), width)
            for row, (item, weight) in enumerate(group):
                ids[row, : len(item)] = torch.tensor(item)
                weights[row, : len(item)] = torch.tensor(weight)
            yield ids, weights


def learning_rate(progress: float) -> float:
    """Warm-up, stable, then a falling cosine: a fraction of the peak rate for `progress` in [0, 1]."""
    if progress < WARM_UP:
        return progress / WARM_UP
    if progress < 1 - DECAY:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - 1 + DECAY) / DECAY)))


def save(model: Llama, tokenizer: Tokenizer, folder: Path) -> None:
    save_tokenizer(tokenizer, folder)
    end, text_end = tokenizer.token_to_id(TURN_END), tokenizer.token_to_id(END_OF_TEXT)
    config = model.config.hugging_face(bos=text_end, eos=end)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    generation = {"bos_token_id": text_end, "eos_token_id": [end, text_end], "do_sample": False}
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    tensors = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--minutes", type=float, default=math.inf, help="finish the schedule by then at the latest")
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", type=Path, help="go on from the weights and tokenizer in this folder")
    parser.add_argument("--save-every", type=int, default=250)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    model = Llama(Config())
    if args.resume:
        tokenizer = Tokenizer.from_file(str(args.resume / "tokenizer.json"))
        model.load_state_dict(load_file(args.resume / "model.safetensors"))
    else:
        corpus, rng = Corpus(), random.Random(args.seed)
        texts = [m["content"] for _ in range(20000) for m in corpus.conversation(rng)]
        tokenizer = train_tokenizer(texts, Config.vocab_size)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")

    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.dim() != 2 or "embed" in name]
    optimizers = [
        torch.optim.Muon(matrices, lr=args.lr, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=args.lr, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    started, smooth, seen = time.monotonic(), None, 0
    for step, (ids, weights) in enumerate(batches(tokenizer, args.seed, args.batch_tokens)):
        minutes = (time.monotonic() - started) / 60
        progress = max(step / args.steps, minutes / args.minutes)
        if progress >= 1:
            break
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = args.lr * learning_rate(progress)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            targets, target_weights = ids[:, 1:].reshape(-1), weights[:, 1:].reshape(-1)
            kept = target_weights > 0
            hidden = model(ids[:, :-1]).flatten(0, 1)[kept]
            logits = model.logits(hidden)
        losses = F.cross_entropy(logits.float(), targets[kept], reduction="none")
        answer = target_weights[kept] == 1.0
        loss = (losses * target_weights[kept]).sum() / target_weights.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += ids.numel()
        shown = losses[answer].mean().item()
        smooth = shown if smooth is None else 0.95 * smooth + 0.05 * shown
        if step % 50 == 0:
            print(f"step {step} answer loss {smooth:.4f} tokens {seen:,} minutes {minutes:.1f} progress {progress:.2f}", flush=True)
        if step and step % args.save_every == 0:
            save(model, tokenizer, args.out)
    save(model, tokenizer, args.out)
    print(f"finished after {step} steps, {seen:,} tokens, {(time.monotonic() - started) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
