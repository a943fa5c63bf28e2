"""Times CTranslate2 with int8 weights on a Qwen2 shape; prints one JSON line.

CTranslate2 reads its own format only, and its converters want PyTorch. So this writes a model of the same shape with
random weights through the package's own specification, quantized by the package, beside the GGUF file.
"""

import argparse
import os
import pathlib
import sys

import ctranslate2
import measure
import numpy
from ctranslate2.specs import common_spec, transformer_spec

# https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct/blob/main/config.json and its 1.5B sister
SHAPES = {
    "qwen2.5-0.5b": dict(layers=24, width=896, heads=14, kv_heads=2, ffn=4864, vocabulary=151936),
    "qwen2.5-1.5b": dict(layers=28, width=1536, heads=12, kv_heads=2, ffn=8960, vocabulary=151936),
}


def write_model(folder, layers, width, heads, kv_heads, ffn, vocabulary):
    random = numpy.random.default_rng(0)

    def matrix(rows, columns):
        return (random.standard_normal((rows, columns), dtype=numpy.float32) / numpy.sqrt(columns)).astype("float32")

    ones, head_dim = numpy.ones(width, dtype=numpy.float32), width // heads
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        layers, heads, activation=common_spec.Activation.SWISH, pre_norm=True, ffn_glu=True, rms_norm=True,
        rotary_dim=0, rotary_interleave=False, rotary_base=1e6, num_heads_kv=kv_heads)
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = matrix(vocabulary, width)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.layer_norm.gamma = ones
    for layer in decoder.layer:
        layer.self_attention.layer_norm.gamma = ones
        joint = (heads + 2 * kv_heads) * head_dim
        layer.self_attention.linear[0].weight = matrix(joint, width)
        layer.self_attention.linear[0].bias = numpy.zeros(joint, dtype=numpy.float32)
        layer.self_attention.linear[1].weight = matrix(width, heads * head_dim)
        layer.ffn.layer_norm.gamma = ones
        layer.ffn.linear_0.weight = matrix(ffn, width)
        layer.ffn.linear_0_noact.weight = matrix(ffn, width)
        layer.ffn.linear_1.weight = matrix(width, ffn)
    spec.register_vocabulary([f"t{id}" for id in range(vocabulary)])
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = "t0"
    spec.config.layer_norm_epsilon = 1e-6
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True)
    spec.save(str(folder))


args = measure.flags(argparse.ArgumentParser()).parse_args()
source = pathlib.Path(args.model)
shape = source.stem.rpartition("-")[0]
folder = source.with_suffix(".ctranslate2")
if not (folder / "model.bin").exists():
    write_model(folder, **SHAPES[shape])

before = measure.memory("VmRSS")
start = measure.clock_ms()
generator = ctranslate2.Generator(str(folder), device="cpu", compute_type="int8", inter_threads=1,
                                  intra_threads=args.threads)
load_ms = measure.clock_ms() - start


def generate(prompt_tokens, new_tokens, batch=args.batch):
    """Milliseconds to the first new token of every sequence, and from there to the last."""
    prompts = [[f"t{id}" for id in measure.prompt(prompt_tokens, 30000, s)] for s in range(batch)]
    arrivals, begin = [], measure.clock_ms()

    def arrived(result):
        if result.batch_id == batch - 1:
            arrivals.append(measure.clock_ms())

    generator.generate_batch(prompts, max_length=new_tokens, min_length=new_tokens, include_prompt_in_result=False,
                             callback=arrived)
    return arrivals[0] - begin, arrivals[-1] - arrivals[0]


generate(16, 1, batch=1)
first_token_ms = measure.clock_ms() - start
generate(args.prompt_tokens, 8)  # warm up
prefill_ms, decode_ms = generate(args.prompt_tokens, args.new_tokens + 1)
measure.report(load_ms=load_ms, first_token_ms=first_token_ms,
               prefill_tok_s=args.batch * args.prompt_tokens / prefill_ms * 1e3,
               decode_tok_s=args.batch * args.new_tokens / decode_ms * 1e3,
               peak_bytes=measure.memory("VmHWM") - before)
sys.stdout.flush()
os._exit(0)  # the package may abort when its thread for callbacks is torn down with the interpreter
