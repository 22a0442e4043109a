#!/usr/bin/env python3
"""Compares e5v with Hugging Face transformers on one checkpoint: same inputs, same threads, in alternating runs.

transformers is run as the README of E5-V runs it: LlavaNextForConditionalGeneration with LlavaNextProcessor, left
padding, hidden_states[-1][:, -1]. Prints the medians, their ratio, and the minimum cosine of the two engines' vectors,
which shows that both computed the same.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import (LlavaNextForConditionalGeneration, LlavaNextImageProcessor, LlavaNextProcessor,
                          PreTrainedTokenizerFast)

import inputs
from e5v_engine import E5v


class Transformers:
    def __init__(self, model, dtype, threads):
        self.name = f"transformers {dtype}"
        torch.set_num_threads(threads)
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"), padding_side="left",
                                            bos_token="<|begin_of_text|>", pad_token="<|end_of_text|>")
        self.processor = LlavaNextProcessor(LlavaNextImageProcessor.from_pretrained(model), tokenizer, patch_size=14,
                                            vision_feature_select_strategy="default", num_additional_image_tokens=1)
        kind = {"bf16": torch.bfloat16, "f32": torch.float32}[dtype]
        self.model = LlavaNextForConditionalGeneration.from_pretrained(model, dtype=kind).eval()

    def run(self, items):
        begin = time.perf_counter()
        if "text" in items[0]:
            prompts = [inputs.TEXT_PROMPT.replace("<sent>", item["text"]) for item in items]
            batch = self.processor(text=prompts, return_tensors="pt", padding=True)
        else:
            photos = [Image.open(item["image"]) for item in items]
            batch = self.processor(text=[inputs.IMAGE_PROMPT] * len(items), images=photos, return_tensors="pt",
                                   padding=True)
        batch = batch.to(self.model.dtype)
        with torch.no_grad():
            states = self.model(**batch, output_hidden_states=True, return_dict=True).hidden_states
        vectors = torch.nn.functional.normalize(states[-1][:, -1].float(), dim=-1).numpy()
        return vectors, time.perf_counter() - begin


def compare(title, items, engines, rounds):
    seconds = {engine.name: [] for engine in engines}
    vectors = {}
    for _ in range(rounds):
        for engine in engines:
            vectors[engine.name], spent = engine.run(items)
            seconds[engine.name].append(spent)
    ours, peer = (statistics.median(seconds[engine.name]) for engine in engines)
    cosine = float(np.min(np.sum(vectors[engines[0].name] * vectors[engines[1].name], axis=1)))
    ratio = f"{peer / ours:.2f}" if ours >= 1 else "- (e5v finished within its clock's 0.1 s)"
    print(f"{title:<12} {engines[0].name} {ours:8.2f} s   {engines[1].name} {peer:8.2f} s   "
          f"ratio {ratio}   minimum cosine {cosine:.5f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the checkpoint, such as e5v synth writes")
    parser.add_argument("--e5v", default="build/release/e5v", help="the program")
    parser.add_argument("--photo", default="tests/golden/images/img00_rgb_640x480.jpg")
    parser.add_argument("--dtype", choices=["bf16", "f32"], default="bf16", help="of e5v")
    parser.add_argument("--peer-dtype", choices=["bf16", "f32"], default="bf16", help="of transformers")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--captions", type=int, default=64, help="number of captions; 0: none")
    parser.add_argument("--no-photo", action="store_true")
    arguments = parser.parse_args()
    engines = [E5v(arguments.e5v, arguments.model, arguments.dtype, arguments.threads, "cpu"),
               Transformers(arguments.model, arguments.peer_dtype, arguments.threads)]
    if arguments.captions > 0:
        items = [{"text": text} for text in inputs.captions(arguments.captions)]
        compare(f"{len(items)} captions", items, engines, arguments.rounds)
    if not arguments.no_photo:
        compare("1 photo", [{"image": str(Path(arguments.photo).resolve())}], engines, arguments.rounds)


if __name__ == "__main__":
    main()
