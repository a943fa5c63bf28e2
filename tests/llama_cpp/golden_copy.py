"""Copies of the golden models that llama.cpp can read: with a tokenizer, and with nothing GGUF has no key for."""

import json
import pathlib
import shutil

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden/models"


# Bytes that UTF-8 never uses give way to tokens without which llama.cpp refuses a Phi-3 file.
NEVER_IN_UTF8 = {"\u00c0": "<unk>", "\u00c1": "<s>", "\u00f5": "</s>", "\u00f6": "<|endoftext|>"}


def readable_copy(source, target):
    """Copies a Hugging Face folder. Without a tokenizer it gets one of the 256 bytes, then unused tokens."""
    shutil.copytree(source, target)
    config = json.loads((target / "config.json").read_text())
    if "query_pre_attn_scalar" in config:  # llama.cpp takes the head's size, as the published models have it
        config["query_pre_attn_scalar"] = config["head_dim"]
        (target / "config.json").write_text(json.dumps(config))
    if (target / "tokenizer.json").exists():
        return
    size = config["vocab_size"]
    tokenizer = json.loads((GOLDEN / "qwen2/tokenizer.json").read_text())
    bytes_only = {NEVER_IN_UTF8.get(token, token): id for token, id in tokenizer["model"]["vocab"].items() if id < 256}
    tokenizer["model"]["vocab"] = bytes_only | {f"<unused{id}>": id for id in range(256, size)}
    tokenizer["model"]["merges"] = []
    tokenizer["added_tokens"] = []
    (target / "tokenizer.json").write_text(json.dumps(tokenizer))
