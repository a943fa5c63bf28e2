"""Writes what Hugging Face's tokenizers library makes of a tokenizer.json that our own trainer wrote.

    python tests/golden/generate_bpe.py        # after WRITE_BPE_GOLDEN=1 build/train_tests --gtest_filter='Bpe*'

Development-time only.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent / "bpe"
TEXTS = [
    "Permission is hereby granted, free of charge, to any person",
    "the the the  \n\n  THE SOFTWARE IS PROVIDED \"AS IS\"",
    "naïve café — Straße, 東京, Ελλάδα, пример 🙂👩‍🚀",
    "<|im_start|>user\nIt's 1234567 don't<|im_end|>\n<|endoftext|>",
    "\ttabs\tand\r\nwindows lines\r\n\r\n",
    "",
]


def main() -> None:
    tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))
    golden = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        assert tokenizer.decode(ids, skip_special_tokens=False) == text
        golden.append({"text": text, "ids": ids})
    (HERE / "golden.json").write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
