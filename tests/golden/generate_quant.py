#!/usr/bin/env python3
"""Writes tests/golden/quant: what ggml's own code makes of random blocks and of random weights.

    generate_quant.py PATH/libggml-base.so

Needs numpy and the `gguf` package (its independent dequantization must agree), and the shared library of a
llama.cpp build. For every type: TYPE.blocks (random blocks) and TYPE.f32 (their expansion). weights.f32 holds
4096 Gaussian and then 4096 Student-t weights; q4_0, q5_0, q5_1 and q8_0.quantized are their encodings, and
ggml_rmse.txt the root mean squared errors of ggml's reference encoders on both halves.
"""

import ctypes
import pathlib
import sys

import gguf
import numpy as np

OUT = pathlib.Path(__file__).parent / "quant"
HALF = 4096

# Byte offsets of the binary16 fields of each type: random bits there would mostly be meaningless scales.
SCALE_FIELDS = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0],
}  # fmt: skip


def c_name(name: str) -> str:
    return "iq4_" + name[4:].lower() if name.startswith("IQ") else name.lower().replace("_k", "_K")


def floats(function, source: np.ndarray, count: int) -> np.ndarray:
    out = np.empty(count, np.float32)
    function(source.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(count))
    return out


def write_expansions(ggml: ctypes.CDLL, rng: np.random.Generator) -> None:
    for name, fields in SCALE_FIELDS.items():
        kind = gguf.GGMLQuantizationType[name]
        block_size, block_bytes = gguf.GGML_QUANT_SIZES[kind]
        n_blocks = 512 // block_size
        blocks = rng.integers(0, 256, (n_blocks, block_bytes), dtype=np.uint8)
        for field in fields:
            scales = rng.normal(0, 0.05, n_blocks).astype(np.float16)
            scales[-1] = np.float16(3e-7)  # subnormal
            blocks[:, field : field + 2] = scales.view(np.uint8).reshape(n_blocks, 2)
        expanded = floats(getattr(ggml, "dequantize_row_" + c_name(name)), blocks, n_blocks * block_size)
        assert np.array_equal(expanded, gguf.quants.dequantize(blocks, kind).reshape(-1)), name
        blocks.tofile(OUT / f"{name.lower()}.blocks")
        expanded.tofile(OUT / f"{name.lower()}.f32")


def write_encodings(ggml: ctypes.CDLL, rng: np.random.Generator) -> None:
    weights = np.concatenate([rng.normal(0, 0.02, HALF), 0.02 * rng.standard_t(4, HALF)]).astype(np.float32)
    weights.tofile(OUT / "weights.f32")
    lines = []
    for name in ["Q4_0", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]:
        block_size, block_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
        encoded = np.empty(len(weights) // block_size * block_bytes, np.uint8)
        getattr(ggml, f"quantize_row_{c_name(name)}_ref")(
            weights.ctypes.data_as(ctypes.c_void_p), encoded.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(len(weights)))
        if name in ("Q4_0", "Q5_0", "Q5_1", "Q8_0"):
            encoded.tofile(OUT / f"{name.lower()}.quantized")
        error = floats(getattr(ggml, "dequantize_row_" + c_name(name)), encoded, len(weights)) - weights
        rmse = np.sqrt(np.mean(np.square(error, dtype=np.float64).reshape(2, HALF), axis=1))
        lines.append(f"{name} {rmse[0]:.9e} {rmse[1]:.9e}\n")
    (OUT / "ggml_rmse.txt").write_text("".join(lines))


if __name__ == "__main__":
    library = ctypes.CDLL(sys.argv[1])
    # Fills the table with which the library reads binary16.
    library.ggml_init.restype = ctypes.c_void_p
    class Params(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]
    library.ggml_init(Params(1 << 20, None, False))
    OUT.mkdir(exist_ok=True)
    write_expansions(library, np.random.default_rng(1))
    write_encodings(library, np.random.default_rng(2))
