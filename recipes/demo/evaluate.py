"""Asks the model questions in held-out phrasings and counts verbatim and nearly verbatim answers."""

import argparse
import math
from collections import defaultdict
from difflib import SequenceMatcher
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from corpus import test_questions


def interval(right: int, count: int) -> tuple[float, float]:
    """Wilson score interval, 95 %."""
    z, share = 1.96, right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


def words(text: str) -> list[str]:
    return text.lower().split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=600)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--show", type=int, default=0, help="print this many wrong answers")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(args.folder).eval()

    exact, near, count = defaultdict(int), defaultdict(int), defaultdict(int)
    questions = sorted(test_questions(args.questions), key=lambda q: len(str(q["messages"])))
    shown = 0
    for start in range(0, len(questions), args.batch):
        batch = questions[start : start + args.batch]
        prompts = [tokenizer.apply_chat_template(q["messages"], tokenize=False, add_generation_prompt=True) for q in batch]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True)
        output = model.generate(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=120, do_sample=False
        )
        for question, ids in zip(batch, output[:, inputs["input_ids"].shape[1] :]):
            text = tokenizer.decode(ids, skip_special_tokens=True).strip()
            similarity = SequenceMatcher(None, words(text), words(question["answer"])).ratio()
            for kind in (question["kind"], "all"):
                count[kind] += 1
                exact[kind] += text == question["answer"]
                near[kind] += similarity >= 0.9
            if text != question["answer"] and shown < args.show:
                shown += 1
                print(f"\n[{question['kind']}] {question['messages'][-1]['content']}\n  got:    {text}\n  wanted: {question['answer']}")
    print(f"\n{'kind':16}{'questions':>10}{'exact':>8}{'near':>8}   95 % interval of exact")
    for kind in sorted(count, key=lambda k: (k == "all", k)):
        low, high = interval(exact[kind], count[kind])
        print(
            f"{kind:16}{count[kind]:10}{exact[kind] / count[kind]:8.1%}{near[kind] / count[kind]:8.1%}   {low:.1%} to {high:.1%}"
        )


if __name__ == "__main__":
    main()
