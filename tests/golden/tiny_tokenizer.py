"""A tiny tokenizer in Qwen2's published form: byte-level BPE, Qwen2's pre-tokenizer, ChatML special tokens."""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

# Qwen2's split pattern, from its published tokenizer.json.
QWEN2_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
               r"|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
CORPUS = [
    "The quick brown fox jumps over the lazy dog while the model waits for the next token.",
    "A cache keeps the keys and values of every token, so that each step reads them and computes only the newest one.",
    "Quantized weights are smaller; smaller weights are read faster; faster reads are what decoding waits for.",
]
SAMPLES = ["The next token is waiting.", "  two spaces,\ttab\n\nand lines 12345", "naïve café — 東京 🙂",
           "<|im_start|>user\nHi!<|im_end|>\n", "don't WE'LL see"]


def qwen2_tokenizer(texts, vocab_size: int) -> Tokenizer:
    """Trains byte-level BPE so that its tokens and the three special ones fill `vocab_size`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_SPLIT), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=vocab_size - len(SPECIAL), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    assert tokenizer.get_vocab_size() == vocab_size
    return tokenizer


def write_tokenizer(folder: Path, vocab_size: int, texts=CORPUS):
    """tokenizer.json, tokenizer_config.json, and tokenizer_golden.json with sample texts and their ids."""
    tokenizer = qwen2_tokenizer(texts, vocab_size)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    first = vocab_size - len(SPECIAL)
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    config = {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {str(first + i): {"content": t} | flags for i, t in enumerate(SPECIAL)},
        "additional_special_tokens": SPECIAL[1:],
        "bos_token": None,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": SPECIAL[2],
        "errors": "replace",
        "model_max_length": 32768,
        "pad_token": SPECIAL[0],
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    samples = [{"text": t, "ids": tokenizer.encode(t).ids} for t in SAMPLES]
    (folder / "tokenizer_golden.json").write_text(json.dumps(samples, ensure_ascii=False) + "\n")
