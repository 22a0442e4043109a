"""llama.cpp as one engine of a comparison, through its Python package: prompts of token ids through a GGUF file."""

import ctypes
import time

import llama_cpp
import numpy as np


class LlamaCpp:
    def __init__(self, gguf, kind, threads, context):
        self.name = f"llama.cpp {kind}"
        llama_cpp.llama_backend_init()
        llama_cpp.llama_log_set(QUIET, ctypes.c_void_p(0))
        self.model = llama_cpp.llama_model_load_from_file(str(gguf).encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {gguf}")
        options = llama_cpp.llama_context_default_params()
        options.n_ctx = options.n_batch = options.n_ubatch = context
        options.n_threads = options.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, options)
        self.width = llama_cpp.llama_model_n_embd(self.model)

    def run(self, ids):
        """The seconds of one prompt. Only the last token's logits are computed."""
        llama_cpp.llama_set_embeddings(self.context, False)
        return self._decode(ids)

    def vector(self, ids):
        """The last token's state after the last norm, of length 1."""
        llama_cpp.llama_set_embeddings(self.context, True)
        self._decode(ids)
        found = llama_cpp.llama_get_embeddings_ith(self.context, len(ids) - 1)
        vector = np.ctypeslib.as_array(found, shape=(self.width,)).copy()
        return vector / np.linalg.norm(vector)

    def _decode(self, ids):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for place, token in enumerate(ids):
            batch.token[place] = token
            batch.pos[place] = place
            batch.n_seq_id[place] = 1
            batch.seq_id[place][0] = 0
            batch.logits[place] = place == len(ids) - 1
        begin = time.perf_counter()
        failed = llama_cpp.llama_decode(self.context, batch)
        llama_cpp.llama_synchronize(self.context)
        seconds = time.perf_counter() - begin
        llama_cpp.llama_batch_free(batch)
        if failed:
            raise SystemExit(f"llama_decode failed with {failed}")
        return seconds


@llama_cpp.llama_log_callback
def QUIET(level, text, user_data):
    pass
