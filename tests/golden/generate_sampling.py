"""Writes sampling.json: distributions after sampling options, computed by Hugging Face transformers' own processors.

Run with transformers and torch installed:  python tests/golden/generate_sampling.py
"""
import json
import pathlib

import torch
from transformers.generation.logits_process import (
    MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper,
    TypicalLogitsWarper)

torch.manual_seed(7)
logits = torch.randn(200, dtype=torch.float32) * 2.5
prompt = [3, 17, 3, int(logits.argmax()), 120]

cases = [
    {"temperature": 1.0},
    {"temperature": 0.35},
    {"temperature": 2.5},
    {"temperature": 1.0, "top_k": 1},
    {"temperature": 0.8, "top_k": 7},
    {"temperature": 1.0, "top_k": 500},
    {"temperature": 1.0, "top_p": 0.5},
    {"temperature": 1.0, "top_p": 0.9},
    {"temperature": 1.0, "top_p": 0.999},
    {"temperature": 1.0, "top_p": 0.001},
    {"temperature": 1.0, "min_p": 0.05},
    {"temperature": 1.5, "min_p": 0.3},
    {"temperature": 1.0, "typical_p": 0.2},
    {"temperature": 1.0, "typical_p": 0.9},
    {"temperature": 1.0, "repetition_penalty": 1.3},
    {"temperature": 1.0, "repetition_penalty": 0.7},
    {"temperature": 0.7, "top_k": 40, "top_p": 0.8, "min_p": 0.02},
    {"temperature": 1.2, "top_k": 60, "top_p": 0.95, "min_p": 0.01, "typical_p": 0.7, "repetition_penalty": 1.1},
]

for case in cases:
    scores = logits[None].clone()
    ids = torch.tensor([prompt])
    processors = []
    if "repetition_penalty" in case:
        processors.append(RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
    processors.append(TemperatureLogitsWarper(case["temperature"]))
    if "top_k" in case:
        processors.append(TopKLogitsWarper(case["top_k"]))
    if "top_p" in case:
        processors.append(TopPLogitsWarper(case["top_p"]))
    if "min_p" in case:
        processors.append(MinPLogitsWarper(case["min_p"]))
    if "typical_p" in case:
        processors.append(TypicalLogitsWarper(case["typical_p"]))
    for processor in processors:
        scores = processor(ids, scores)
    probabilities = scores[0].double().softmax(-1)
    case["probabilities"] = {str(i): p for i, p in enumerate(probabilities.tolist()) if p > 0}

golden = {
    "logits": logits.tolist(),
    "prompt": prompt,
    "logprobs": logits.double().log_softmax(-1).tolist(),
    "cases": cases,
}
path = pathlib.Path(__file__).with_name("sampling.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
