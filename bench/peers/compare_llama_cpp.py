#!/usr/bin/env python3
"""Compares e5v with llama.cpp on one checkpoint: the same prompt, same threads, in alternating runs. Text only.

llama.cpp's Python package is run on a GGUF file of the checkpoint's language model, which is written first. Prints the
medians, their ratio, and the cosine of both vectors, which shows that both engines computed the same.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from tokenizers import Tokenizer

import gguf_of_checkpoint
import inputs
from e5v_engine import E5v
from llama_cpp_engine import LlamaCpp

PEER = {"bf16": "BF16", "int8": "Q8_0", "int4": "Q4_0"}


def prompt_of(model, tokens):
    """A text with a prompt of this number of tokens, and their ids."""
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    words = " ".join(inputs.captions(64)).split() * (tokens // 64 + 1)
    for count in range(1, len(words)):
        text = " ".join(words[:count])
        ids = tokenizer.encode(inputs.TEXT_PROMPT.replace("<sent>", text)).ids
        if len(ids) >= tokens:
            return text, ids
    raise SystemExit(f"no text of {tokens} tokens")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the checkpoint, such as e5v synth writes")
    parser.add_argument("--quantised", type=Path, action="append", default=[],
                        help="the same checkpoint after e5v quantize, int8 or int4; compared with Q8_0 or Q4_0")
    parser.add_argument("--e5v", default="build/release/e5v", help="the program")
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    text, ids = prompt_of(arguments.model, arguments.tokens)
    print(f"{len(ids)} tokens, {arguments.threads} threads, medians of {arguments.rounds} rounds", flush=True)
    folders = {"bf16": arguments.model}
    for folder in arguments.quantised:
        schemes = json.loads((folder / "config.json").read_text())["quantization_config"]["config_groups"].values()
        folders[f"int{min(scheme['weights']['num_bits'] for scheme in schemes)}"] = folder
    for kind, folder in folders.items():
        with tempfile.TemporaryDirectory() as temporary:
            gguf_file = Path(temporary) / "model.gguf"
            gguf_of_checkpoint.write(arguments.model, gguf_file, PEER[kind])
            ours, peer = (E5v(arguments.e5v, folder, "auto", arguments.threads, "cpu"),
                          LlamaCpp(gguf_file, PEER[kind], arguments.threads, len(ids)))
            seconds = {"ours": [], "peer": []}
            for _ in range(arguments.rounds):
                vectors, spent = ours.run([{"text": text}])
                seconds["ours"].append(spent)
                seconds["peer"].append(peer.run(ids))
            cosine = float(vectors[0] @ peer.vector(ids))
        mine, theirs = (statistics.median(values) for values in seconds.values())
        print(f"{kind:<5} e5v {mine:6.2f} s   {peer.name:<15} {theirs:6.2f} s   ratio {theirs / mine:.2f}   "
              f"cosine {cosine:.5f}", flush=True)


if __name__ == "__main__":
    main()
