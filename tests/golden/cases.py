"""The golden models, as data: one tiny configuration per architecture or feature.

Each `config` is written as published checkpoints write config.json (transformers 4: rope_theta, rope_scaling with
"type" or "rope_type", torch_dtype), because that is what users have. generate.py turns each Case into a folder.
"""

from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    config: dict
    dtype: str = "bfloat16"  # of the stored weights; every golden is computed in float32 from the stored values
    prompt: int = 37  # tokens in the main prompt
    short: int = 0  # tokens in a second prompt that stays, with its 24 new tokens, in the original context; 0: none
    ragged: tuple = (3, 19, 33)
    # Length at which the angles of positions already computed change. Stepwise decoding equals prefill on one side only.
    length_threshold: int = 0
    # What must be visible in the logits: label -> configuration changes, or "zero": regex of tensors set to zero.
    visible: dict = field(default_factory=dict)
    visible_at_least: float = 1e-2  # relative to the largest logit
    generation: dict | None = None
    shard_bytes: int = 0
    old_rotary_buffers: bool = False
    tokenizer: bool = False
    notes: tuple = ()


def _llama(**changes):
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 96,
        "max_position_embeddings": 2048,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "pretraining_tp": 1,
        "rms_norm_eps": 1e-05,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "transformers_version": "4.45.0",
        "use_cache": True,
        "vocab_size": 256,
    } | changes


def _mistral(**changes):
    return {
        "architectures": ["MistralForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "head_dim": 32,
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 96,
        "max_position_embeddings": 32768,
        "model_type": "mistral",
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 1,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "sliding_window": 16,
        "tie_word_embeddings": False,
        "transformers_version": "4.34.0",
        "use_cache": True,
        "vocab_size": 256,
    } | changes


def _qwen2(**changes):
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": 317,
        "eos_token_id": 319,
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 128,
        "max_position_embeddings": 32768,
        "max_window_layers": 2,
        "model_type": "qwen2",
        "num_attention_heads": 2,
        "num_hidden_layers": 3,
        "num_key_value_heads": 1,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        "sliding_window": 16,
        "tie_word_embeddings": True,
        "transformers_version": "4.43.1",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": 320,
    } | changes


def _qwen3(**changes):
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "head_dim": 32,
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 96,
        "max_position_embeddings": 40960,
        "max_window_layers": 2,
        "model_type": "qwen3",
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 1000000,
        "sliding_window": None,
        "tie_word_embeddings": True,
        "transformers_version": "4.51.0",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": 256,
    } | changes


def _phi3(**changes):
    return {
        "architectures": ["Phi3ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "embd_pdrop": 0.0,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 96,
        "max_position_embeddings": 4096,
        "model_type": "phi3",
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "original_max_position_embeddings": 4096,
        "pad_token_id": 0,
        "resid_pdrop": 0.0,
        "rms_norm_eps": 1e-05,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "sliding_window": 2047,
        "tie_word_embeddings": False,
        "transformers_version": "4.40.2",
        "use_cache": True,
        "vocab_size": 256,
    } | changes


def _gemma(**changes):
    return {
        "architectures": ["GemmaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "head_dim": 32,
        "hidden_act": "gelu_pytorch_tanh",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 96,
        "max_position_embeddings": 8192,
        "model_type": "gemma",
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 1,
        "pad_token_id": 0,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "transformers_version": "4.38.1",
        "use_cache": True,
        "vocab_size": 259,
    } | changes


def _gemma2(**changes):
    return {
        "architectures": ["Gemma2ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "attn_logit_softcapping": 3.0,
        "bos_token_id": 2,
        "cache_implementation": "hybrid",
        "eos_token_id": [1, 107],
        "final_logit_softcapping": 2.0,
        "head_dim": 32,
        "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": "gelu_pytorch_tanh",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 96,
        "max_position_embeddings": 8192,
        "model_type": "gemma2",
        "num_attention_heads": 4,
        "num_hidden_layers": 4,
        "num_key_value_heads": 2,
        "pad_token_id": 0,
        "query_pre_attn_scalar": 24,
        "rms_norm_eps": 1e-06,
        "rope_theta": 10000.0,
        "sliding_window": 16,
        "transformers_version": "4.42.4",
        "use_cache": True,
        "vocab_size": 256,
    } | changes


def _mamba(**changes):
    return {
        "architectures": ["MambaForCausalLM"],
        "bos_token_id": 0,
        "conv_kernel": 4,
        "d_inner": 128,
        "d_model": 64,
        "eos_token_id": 0,
        "expand": 2,
        "fused_add_norm": True,
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.1,
        "intermediate_size": 128,
        "layer_norm_epsilon": 1e-05,
        "model_type": "mamba",
        "n_layer": 2,
        "num_hidden_layers": 2,
        "pad_token_id": 0,
        "pad_vocab_size_multiple": 8,
        "rescale_prenorm_residual": False,
        "residual_in_fp32": True,
        "rms_norm": True,
        "ssm_cfg": {},
        "state_size": 16,
        "time_step_floor": 0.0001,
        "time_step_init_scheme": "random",
        "time_step_max": 0.1,
        "time_step_min": 0.001,
        "time_step_rank": 4,
        "time_step_scale": 1.0,
        "transformers_version": "4.39.0",
        "use_bias": False,
        "use_cache": True,
        "use_conv_bias": True,
        "vocab_size": 256,
    } | changes


_LLAMA3 = {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 64,
           "rope_type": "llama3"}
_YARN = {"factor": 4.0, "original_max_position_embeddings": 32, "type": "yarn"}
_YARN_EXPLICIT = _YARN | {"attention_factor": 1.35, "beta_fast": 8.0, "beta_slow": 0.5}
_LONGROPE = {  # 16 factors: head_dim 32
    "long_factor": [1.0, 1.05, 1.2, 1.5, 1.9, 2.4, 3.0, 3.8, 4.6, 5.5, 6.4, 7.5, 8.6, 9.8, 11.0, 12.0],
    "short_factor": [1.0, 1.0, 1.02, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9],
    "type": "longrope",
}
_LONGROPE_PARTIAL = {  # 12 factors: 0.75 of head_dim 32
    "long_factor": [1.0, 1.1, 1.3, 1.7, 2.2, 2.8, 3.6, 4.6, 5.8, 7.2, 9.0, 11.0],
    "short_factor": [1.0, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8],
    "type": "longrope",
}
_NO_SCALING = {"plain rope": {"rope_scaling": None}}
_WINDOW_NOTE = "A window of W lets position i see positions j with i - W < j <= i: W tokens, itself included."
_LONGROPE_NOTE = (
    "longrope: transformers takes long_factor for every position of a call when the largest position + 1 exceeds "
    "original_max_position_embeddings, else short_factor; cos and sin are scaled by "
    "sqrt(1 + ln(max / original) / ln(original)) in both regimes. A sequence that crosses the threshold while it "
    "grows has keys of both kinds unless they are recomputed, and transformers' generate() does recompute them all, once: "
    "that is greedy 'crossing'. 'prompt' is wholly long, 'short' with its new tokens wholly short."
)

CASES = [
    Case("llama", _llama(tie_word_embeddings=False, vocab_size=300, intermediate_size=64), dtype="float32", shard_bytes=150_000,
         notes=("Sharded, with model.safetensors.index.json; the embedding and the output matrix differ.",)),
    Case("llama-tied", _llama(num_attention_heads=2, head_dim=64, intermediate_size=32), dtype="float16",
         generation={"bos_token_id": 1, "do_sample": True, "eos_token_id": [2, 5], "temperature": 0.6, "top_p": 0.9,
                     "transformers_version": "4.45.0"},
         notes=("head_dim 64 although hidden_size / heads is 32.",)),
    Case("llama-biases", _llama(attention_bias=True, mlp_bias=True),
         visible={f"{x}.bias": {"zero": rf"{x}\.bias"} for x in
                  ("q_proj", "v_proj", "o_proj", "gate_proj", "down_proj")}),
    Case("llama-k256", _llama(hidden_size=256, intermediate_size=256, num_key_value_heads=1, num_hidden_layers=1),
         notes=("Every matrix has rows of 256 values, so that the K-quants apply to all of them.",)),
    Case("llama-rope-llama3", _llama(rope_scaling=_LLAMA3, intermediate_size=32, num_attention_heads=2, max_position_embeddings=512),
         prompt=70, visible=_NO_SCALING),
    Case("llama-rope-linear", _llama(rope_scaling={"factor": 4.0, "type": "linear"}, intermediate_size=32, num_key_value_heads=4),
         visible=_NO_SCALING, old_rotary_buffers=True,
         notes=("The file also holds rotary_emb.inv_freq tensors, as Llama checkpoints of 2023 do; they are to be ignored.",)),
    Case("llama-rope-dynamic", _llama(rope_scaling={"factor": 2.0, "type": "dynamic"}, intermediate_size=32, max_position_embeddings=48),
         prompt=70, short=20, ragged=(3, 19, 60), length_threshold=48, visible=_NO_SCALING,
         notes=("Dynamic NTK: up to max_position_embeddings tokens the angles are those of plain RoPE; a longer call of T "
                "tokens uses the base theta * (factor * T / max - (factor - 1)) ^ (dim / (dim - 2)) for all of its "
                "positions. In transformers the base then grows with every decoded token while cached keys keep the "
                "angles they got, so a long sequence's stepwise logits depend on how it was cut into calls: compare "
                "'prompt' and ragged.2 as whole prefills only; stepwise and greedy goldens use 'short'.",)),
    Case("llama-rope-yarn", _llama(rope_scaling=_YARN, intermediate_size=32, num_attention_heads=2, max_position_embeddings=128),
         prompt=70, short=8, visible=_NO_SCALING,
         notes=("YaRN does not depend on the length: 'short' is inside the original context, 'prompt' beyond it.",)),
    Case("llama-rope-yarn-explicit",
         _llama(rope_scaling=_YARN_EXPLICIT, intermediate_size=32, num_attention_heads=2, max_position_embeddings=128), prompt=70,
         visible=_NO_SCALING | {"default attention_factor": {"rope_scaling": _YARN_EXPLICIT | {"attention_factor": None}},
                                "default betas": {"rope_scaling": _YARN | {"attention_factor": 1.35}}}),
    Case("mistral-sliding", _mistral(intermediate_size=32), prompt=70, visible={"no window": {"sliding_window": None},
                                                            "window + 1": {"sliding_window": 17}},
         notes=(_WINDOW_NOTE, "head_dim 32 although hidden_size / heads is 16.")),
    Case("qwen2", _qwen2(), tokenizer=True,
         visible={f"{x}.bias": {"zero": rf"{x}\.bias"} for x in ("q_proj", "v_proj")},
         generation={"bos_token_id": 317, "do_sample": True, "eos_token_id": [319, 317], "pad_token_id": 317,
                     "repetition_penalty": 1.1, "temperature": 0.7, "top_k": 20, "top_p": 0.8,
                     "transformers_version": "4.37.0"},
         notes=("sliding_window is set but use_sliding_window is false: there is no window.",)),
    Case("qwen2-sliding", _qwen2(use_sliding_window=True, max_window_layers=1, intermediate_size=32, vocab_size=256,
                                bos_token_id=1, eos_token_id=2), prompt=70,
         visible={"no window": {"use_sliding_window": False}, "window in every layer": {"max_window_layers": 0},
                  "window + 1": {"sliding_window": 17}},
         notes=(_WINDOW_NOTE, "Layers from max_window_layers on have the window; layer 0 sees everything.")),
    Case("qwen3", _qwen3(), visible={"no q_norm": {"zero": r"q_norm"}},
         notes=("head_dim 32 although hidden_size / heads is 16; RMS norm of each query and key head before RoPE.",)),
    Case("phi3", _phi3(hidden_size=96, intermediate_size=32), notes=("head_dim 48, not a power of two (Phi-3-mini has 96).",)),
    Case("phi3-sliding", _phi3(sliding_window=16, tie_word_embeddings=True), prompt=70,
         visible={"no window": {"sliding_window": None}, "window + 1": {"sliding_window": 17}}, notes=(_WINDOW_NOTE,)),
    Case("phi3-longrope", _phi3(rope_scaling=_LONGROPE, intermediate_size=32, max_position_embeddings=384,
                                original_max_position_embeddings=48, sliding_window=262144),
         prompt=70, short=20, ragged=(3, 19, 60), length_threshold=48, visible=_NO_SCALING, notes=(_LONGROPE_NOTE,)),
    Case("phi3-longrope-partial",
         _phi3(rope_scaling=_LONGROPE_PARTIAL, max_position_embeddings=384, original_max_position_embeddings=48,
               partial_rotary_factor=0.75, num_key_value_heads=1, intermediate_size=64, tie_word_embeddings=True, sliding_window=262144),
         prompt=70, short=20, ragged=(3, 19, 60), length_threshold=48, visible=_NO_SCALING,
         notes=(_LONGROPE_NOTE, "RoPE turns the first 24 of 32 dimensions of each head (Phi-4-mini's partial_rotary_factor).")),
    Case("gemma", _gemma(), visible={"erf": {"hidden_act": "gelu_python"}}, visible_at_least=1e-5, notes=("Norm weights are stored minus one; embeddings are scaled by sqrt(hidden_size).",
                                   "head_dim 32 although hidden_size / heads is 16; tie_word_embeddings is absent: true.")),
    Case("gemma-legacy-gelu", _gemma(hidden_act="gelu", num_key_value_heads=4, intermediate_size=64),
         visible={"erf": {"hidden_act": "gelu_python"}}, visible_at_least=1e-5,
         notes=('hidden_act "gelu", as the first Gemma releases have it, means the tanh approximation.',)),
    Case("gemma2", _gemma2(intermediate_size=32), prompt=70,
         visible={"no attention cap": {"attn_logit_softcapping": None}, "no final cap": {"final_logit_softcapping": None},
                  "window + 1": {"sliding_window": 17}, "no window": {"sliding_window": 4096},
                  "scale by head_dim": {"query_pre_attn_scalar": 32}},
         notes=(_WINDOW_NOTE, "Layers 0, 2, … have the window, layers 1, 3, … see everything.",
                "tie_word_embeddings is absent: true.")),
    Case("mamba", _mamba(), dtype="float32", visible={"conv1d.bias": {"zero": r"conv1d\.bias"},
                                                      "D": {"zero": r"mixer\.D$"}},
         notes=("tie_word_embeddings is absent: true.",)),
    Case("mamba-odd", _mamba(conv_kernel=3, expand=3, d_inner=96, d_model=32, hidden_size=32, intermediate_size=96,
                             state_size=12, time_step_rank=7, use_bias=True, vocab_size=261),
         visible={"in_proj.bias": {"zero": r"in_proj\.bias"}, "out_proj.bias": {"zero": r"out_proj\.bias"}},
         notes=("Expansion 3, convolution width 3, dt rank 7, state size 12 and vocabulary 261; projections have biases.",)),
]
