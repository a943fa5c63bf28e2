"""The few calls of llama.h that a benchmark needs, through either binding.

llama-cpp-python and ik-llama-cpp-python expose their libraries' C functions; the two have grown apart in names and in
parameters, and this file is where the difference ends.
"""

import ctypes
import importlib

import numpy


class Model:
    """A model on the CPU and one context of it."""

    def __init__(self, binding, path, threads, context_tokens, max_sequences=1, batch_tokens=512):
        if binding == "ik_llama_cpp":
            self.c = importlib.import_module("ik_llama_cpp._ctypes_api")
        else:
            self.c = importlib.import_module("llama_cpp")
        c = self.c
        c.llama_backend_init()
        parameters = c.llama_model_default_params()
        parameters.n_gpu_layers = 0
        if hasattr(parameters, "repack_tensors"):  # llama.cpp repacks by itself, ik_llama.cpp when asked
            parameters.repack_tensors = True
        self.model = c.llama_model_load_from_file(path.encode(), parameters)
        if not self.model:
            raise SystemExit(f"{binding} cannot load {path}")
        parameters = c.llama_context_default_params()
        parameters.n_ctx = context_tokens
        parameters.n_batch = parameters.n_ubatch = batch_tokens
        parameters.n_seq_max = max_sequences
        parameters.n_threads = parameters.n_threads_batch = threads
        if hasattr(parameters, "kv_unified"):
            parameters.kv_unified = False
        if hasattr(parameters, "flash_attn_type"):
            parameters.flash_attn_type = 1
        elif hasattr(parameters, "flash_attn"):
            parameters.flash_attn = True
        self.context = c.llama_init_from_model(self.model, parameters)
        if not self.context:
            raise SystemExit(f"{binding} cannot make a context for {path}")
        self.vocabulary = c.llama_vocab_n_tokens(c.llama_model_get_vocab(self.model))
        self.batch = c.llama_batch_init(batch_tokens, 0, 1)

    def forward(self, rows):
        """Computes rows of (token, position, sequence, wants logits); the logits are read with `logits`."""
        batch = self.batch
        batch.n_tokens = len(rows)
        for i, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = wanted
        if self.c.llama_decode(self.context, batch) != 0:
            raise SystemExit("llama_decode failed")

    def logits(self, row):
        """float32 [vocabulary]: a view of the library's memory, valid until the next `forward`."""
        pointer = self.c.llama_get_logits_ith(self.context, row)
        return numpy.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float)), (self.vocabulary,))

    def forget(self):
        if hasattr(self.c, "llama_memory_clear"):
            self.c.llama_memory_clear(self.c.llama_get_memory(self.context), True)
        else:
            self.c.llama_kv_cache_clear(self.context)

    def close(self):
        c = self.c
        c.llama_batch_free(self.batch)
        c.llama_free(self.context)
        (c.llama_model_free if hasattr(c, "llama_model_free") else c.llama_free_model)(self.model)
