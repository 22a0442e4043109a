#!/usr/bin/env python3
"""Compares e5v serve with infinity's server on one CLIP checkpoint: same texts and images, alternating runs.

Both answer OpenAI requests with vectors in base64, on the CPU and in the same precision. Each engine gets every number of
inputs in a request, and its highest median counts. infinity also gets every batch size. Prints the ratio of both, and
the minimum cosine of their vectors, which shows that both computed the same.
"""

import argparse
import base64
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np

import http_load
import inputs
import photos


class Served:
    """A server under one name: its command, its fields of a request, and what it answered per second."""

    def __init__(self, name, command, ready, environment):
        self.name, self.command, self.ready, self.environment = name, command, ready, environment
        self.rates = {}  # (kind, inputs in a request) -> items per second of each run

    def measure(self, kinds, arguments):
        port = http_load.free_port()
        command = [part.replace("PORT", str(port)) for part in self.command]
        with http_load.server(command, port, self.ready, self.environment) as url:
            self.vectors = {kind: vectors_of(url, items[:16], kind) for kind, items in kinds.items()}
            for kind, items in kinds.items():
                for n in arguments.inputs:
                    bodies = http_load.bodies_of(items, n, model="m", encoding_format="base64", modality=kind)
                    result = http_load.load(url + "/v1/embeddings", bodies, arguments.connections, arguments.seconds)
                    vectors_of(url, items[-8:], kind)  # waits for requests that wrk left unanswered
                    self.rates.setdefault((kind, n), []).append(n * result["rate"])

    def best(self, kind):
        """Items per second, and the number of inputs in a request at which they were reached."""
        return max((statistics.median(rates), n) for (of, n), rates in self.rates.items() if of == kind)


def vectors_of(url, items, kind):
    answer = http_load.post(url + "/v1/embeddings", {"input": items, "model": "m", "encoding_format": "base64",
                                                     "modality": kind})
    vectors = np.stack([np.frombuffer(base64.b64decode(entry["embedding"]), "<f4") for entry in answer["data"]])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder that clip_checkpoint.py wrote")
    parser.add_argument("--e5v", default="build/release/e5v", help="the program")
    parser.add_argument("--infinity", default="infinity_emb", help="infinity's program")
    parser.add_argument("--photo", default="tests/golden/images/img00_rgb_640x480.jpg")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32", help="of both engines")
    parser.add_argument("--kinds", nargs="+", choices=["text", "image"], default=["text", "image"])
    parser.add_argument("--batch-sizes", nargs="+", default=["32", "128"], help="of infinity")
    parser.add_argument("--inputs", type=int, nargs="+", default=[1, 16], help="numbers of inputs in a request")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=int, default=10, help="of each run")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    ours = {"float32": "f32", "bfloat16": "bf16"}[arguments.dtype]
    threads = {"OMP_NUM_THREADS": str(arguments.threads), "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
    mine = [Served(f"e5v {ours}", [arguments.e5v, "serve", "--model", f"m={arguments.model}", "--dtype", ours, "--cache", "0",
                                   "--access-log", "none", "--listen", "127.0.0.1:PORT"], "/ready", threads)]
    theirs = [Served(f"infinity {arguments.dtype}, batches of {size}",
                     [arguments.infinity, "v2", "--model-id", arguments.model, "--served-model-name", "m", "--engine", "torch",
                      "--device", "cpu", "--dtype", arguments.dtype, "--batch-size", size, "--url-prefix", "/v1", "--port",
                      "PORT", "--no-bettertransformer"], "/v1/models", threads) for size in arguments.batch_sizes]
    with tempfile.TemporaryDirectory() as folder:
        pictures = photos.write_photos(arguments.photo, folder, 64)
        all_kinds = {"text": inputs.varied_captions(2048), "image": [http_load.data_uri(file) for file in pictures]}
    kinds = {kind: all_kinds[kind] for kind in arguments.kinds}
    for _ in range(arguments.rounds):
        for engine in mine + theirs:
            engine.measure(kinds, arguments)
    for kind in kinds:
        for engine in mine + theirs:
            rate, n = engine.best(kind)
            print(f"{kind:<6} {engine.name:<32} {rate:8.1f} a second at {n} in a request")
        best = max(engine.best(kind)[0] for engine in theirs)
        cosine = min(float(np.min(np.sum(mine[0].vectors[kind] * engine.vectors[kind], axis=1))) for engine in theirs)
        print(f"{kind:<6} ratio {mine[0].best(kind)[0] / best:.2f}   minimum cosine {cosine:.6f}", flush=True)


if __name__ == "__main__":
    main()
