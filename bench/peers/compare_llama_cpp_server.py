#!/usr/bin/env python3
"""Compares e5v serve with llama-cpp-python's server on one checkpoint: same texts, alternating runs.

Both answer OpenAI requests on the CPU. llama.cpp gets the texts with E5-V's prompt around them, in a GGUF file of the
checkpoint's language model, which is written first; it pools the last token. Each engine gets every number of texts in a
request, and its highest median counts. Prints the ratio of both, and the minimum cosine of their vectors, which shows that
both computed the same.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np

import gguf_of_checkpoint
import http_load
import inputs


class Served:
    """A server, its texts, and the texts per second of its runs for each number of texts in a request."""

    def __init__(self, name, command, ready, texts):
        self.name, self.command, self.ready, self.texts = name, command, ready, texts
        self.rates = {}

    def measure(self, arguments):
        port = http_load.free_port()
        command = [str(part).replace("PORT", str(port)) for part in self.command]
        with http_load.server(command, port, self.ready, {"OMP_NUM_THREADS": str(arguments.threads)}) as url:
            answer = http_load.post(url + "/v1/embeddings", {"input": self.texts[:8], "model": "m"})
            vectors = np.array([entry["embedding"] for entry in answer["data"]])
            self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
            for n in arguments.texts:
                bodies = http_load.bodies_of(self.texts, n, model="m")
                result = http_load.load(url + "/v1/embeddings", bodies, arguments.connections, arguments.seconds)
                self.rates.setdefault(n, []).append(n * result["rate"])
                http_load.post(url + "/v1/embeddings", {"input": "a cat", "model": "m"})  # waits for unanswered requests

    def best(self):
        return max((statistics.median(rates), n) for n, rates in self.rates.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the checkpoint, such as e5v synth writes")
    parser.add_argument("--e5v", default="build/release/e5v", help="the program")
    parser.add_argument("--python", default="python3", help="the interpreter that has llama_cpp.server")
    parser.add_argument("--kind", choices=["BF16", "Q8_0", "Q4_0"], default="BF16", help="of the GGUF file")
    parser.add_argument("--ours", type=Path, help="e5v's checkpoint, if it is another one (quantised)")
    parser.add_argument("--texts", type=int, nargs="+", default=[1, 16], help="numbers of texts in a request")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=int, default=20, help="of each run")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--gguf", type=Path, help="keep the GGUF file here, and use it if it exists")
    arguments = parser.parse_args()
    captions = inputs.varied_captions(2048)
    prompt = inputs.TEXT_PROMPT.replace(*gguf_of_checkpoint.END_OF_TURN)
    prompted = [prompt.replace("<sent>", text) for text in captions]
    with tempfile.TemporaryDirectory() as temporary:
        file = arguments.gguf or Path(temporary) / "model.gguf"
        if not file.exists():
            gguf_of_checkpoint.write(arguments.model, file, arguments.kind, with_tokenizer=True)
        engines = [
            Served("e5v serve", [arguments.e5v, "serve", "--model", f"m={arguments.ours or arguments.model}", "--cache", 0,
                                 "--access-log", "none", "--threads", arguments.threads, "--listen", "127.0.0.1:PORT"],
                   "/ready", captions),
            Served(f"llama-cpp-python {arguments.kind}",
                   [arguments.python, "-m", "llama_cpp.server", "--model", file, "--model_alias", "m", "--embedding", "true",
                    "--n_threads", arguments.threads, "--n_threads_batch", arguments.threads, "--n_ctx", 2048, "--n_batch",
                    2048, "--n_ubatch", 2048, "--port", "PORT", "--verbose", "false"], "/v1/models", prompted)]
        for _ in range(arguments.rounds):
            for engine in engines:
                engine.measure(arguments)
    for engine in engines:
        rate, n = engine.best()
        print(f"{engine.name:<24} {rate:8.2f} texts/s at {n} in a request   runs: {engine.rates}")
    cosine = float(np.min(np.sum(engines[0].vectors * engines[1].vectors, axis=1)))
    print(f"ratio {engines[0].best()[0] / engines[1].best()[0]:.2f}   minimum cosine {cosine:.5f}")


if __name__ == "__main__":
    main()
