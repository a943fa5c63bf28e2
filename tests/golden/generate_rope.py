"""Writes rope.json: RoPE frequencies as Hugging Face transformers computes them.

Each case holds a config.json as published, the number of positions wanted, and for it transformers' inverse
frequencies and the factor on cos and sin. Run with the versions that README.md names.
"""

import json
import pathlib

from transformers import LlamaConfig, Phi3Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.phi3.modeling_phi3 import Phi3RotaryEmbedding

LLAMA = dict(
    architectures=["LlamaForCausalLM"], hidden_size=2048, num_attention_heads=32, num_key_value_heads=8, head_dim=64,
    intermediate_size=8192, num_hidden_layers=2, vocab_size=128, rms_norm_eps=1e-5, max_position_embeddings=8192,
)
PHI3 = dict(
    architectures=["Phi3ForCausalLM"], hidden_size=3072, num_attention_heads=32, num_key_value_heads=32,
    intermediate_size=8192, num_hidden_layers=2, vocab_size=128, rms_norm_eps=1e-5, max_position_embeddings=131072,
    original_max_position_embeddings=4096, rope_theta=10000.0,
)
LLAMA3 = dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=8192)
YARN = dict(factor=4.0, original_max_position_embeddings=32768)
LONG = dict(short_factor=[1 + 0.02 * i for i in range(48)], long_factor=[1 + 0.05 * i * i for i in range(48)])

CASES = {
    "plain": (LlamaConfig, LLAMA | dict(rope_theta=500000.0), 0),
    "plain, transformers 5": (LlamaConfig, LLAMA | dict(rope_parameters=dict(rope_type="default", rope_theta=1e6)), 0),
    "partial": (Phi3Config, PHI3 | dict(partial_rotary_factor=0.75), 0),
    "linear": (LlamaConfig, LLAMA | dict(rope_theta=10000.0, rope_scaling=dict(type="linear", factor=4.0)), 0),
    "dynamic within": (LlamaConfig, LLAMA | dict(rope_theta=10000.0, rope_scaling=dict(type="dynamic", factor=2.0)), 4000),
    "dynamic beyond": (LlamaConfig, LLAMA | dict(rope_theta=10000.0, rope_scaling=dict(type="dynamic", factor=2.0)), 20000),
    "llama3": (LlamaConfig, LLAMA | dict(rope_theta=500000.0, max_position_embeddings=131072, rope_scaling=LLAMA3), 0),
    "llama3, transformers 5": (
        LlamaConfig, LLAMA | dict(max_position_embeddings=131072, rope_parameters=LLAMA3 | dict(rope_theta=500000.0)), 0),
    "yarn": (LlamaConfig, LLAMA | dict(rope_theta=1e6, max_position_embeddings=32768, rope_scaling=dict(type="yarn") | YARN), 0),
    "yarn, own attention factor and betas": (
        LlamaConfig, LLAMA | dict(rope_theta=1e6, max_position_embeddings=32768, rope_scaling=dict(
            rope_type="yarn", attention_factor=0.8, beta_fast=16, beta_slow=2) | YARN), 0),
    "yarn, mscale, not truncated": (
        LlamaConfig, LLAMA | dict(rope_theta=1e4, max_position_embeddings=163840, rope_scaling=dict(
            rope_type="yarn", factor=40.0, original_max_position_embeddings=4096, mscale=1.0, mscale_all_dim=0.7,
            truncate=False)), 0),
    "longrope short": (Phi3Config, PHI3 | dict(rope_scaling=dict(type="longrope") | LONG), 4096),
    "longrope long": (Phi3Config, PHI3 | dict(rope_scaling=dict(type="longrope") | LONG), 4097),
    "longrope called su": (Phi3Config, PHI3 | dict(rope_scaling=dict(type="su", original_max_position_embeddings=4096) | LONG), 0),
}


def frequencies(config_class, published, context):
    config = config_class(**{k: v for k, v in json.loads(json.dumps(published)).items() if k != "architectures"})
    seq_len = context or config.max_position_embeddings
    kind = config.rope_parameters["rope_type"]
    embedding = LlamaRotaryEmbedding if config_class is LlamaConfig else Phi3RotaryEmbedding
    compute = embedding.compute_default_rope_parameters if kind == "default" else ROPE_INIT_FUNCTIONS[kind]
    inv_freq, factor = compute(config, seq_len=seq_len)
    return [float(f) for f in inv_freq], float(factor)


def main():
    cases = []
    for name, (config_class, published, context) in CASES.items():
        inv_freq, factor = frequencies(config_class, published, context)
        cases.append(dict(name=name, config=published, context=context, inv_freq=inv_freq, attention_factor=factor))
    path = pathlib.Path(__file__).parent / "rope.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
