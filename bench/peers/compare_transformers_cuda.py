#!/usr/bin/env python3
"""Compares e5v with Hugging Face transformers on one GPU: same checkpoint, photos and captions, in alternating runs.

transformers gets the batch size, the attention and the device for resizing with which it is fastest here. Its time is
measured from texts and files to vectors, as the README of E5-V runs it, and for the model alone, with inputs on the GPU:
once in the README's way, and once lean, without unused logits, caches and hidden states. The time of e5v is measured from
texts and files to vectors: the whole run that it reports, and without the run's start, which is the difference to a short
run. Loading is not counted. If the folder of --model does not exist, it is made with `e5v synth`.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import transformers

import inputs
from e5v_engine import E5v
from photos import write_photos
from transformers_cuda_engine import TransformersCuda, attentions

START = time.perf_counter()


def say(text):
    print(f"[{time.perf_counter() - START:6.1f} s] {text}", flush=True)


class Workload:
    def __init__(self, name, items, short, sweep, sizes, places):
        self.name, self.items, self.places = name, items, places
        self.short, self.swept = items[:short], items[:sweep]
        self.sizes = sorted({min(size, len(self.swept)) for size in sizes})
        self.ours, self.vectors, self.sweep, self.best, self.theirs, self.tokens = [], {}, [], {}, {}, None

    def run_ours(self, engine):
        _, short = engine.run(self.short)
        vectors, whole = engine.run(self.items)
        self.vectors["e5v"] = vectors
        self.ours.append({"seconds": whole, "short_seconds": short, "process_seconds": engine.process_seconds})
        say(f"{self.name}: e5v {whole:.3f} s for {len(self.items)}, {short:.3f} s for {len(self.short)}")

    def run_sweep(self, engine, attention):
        """Throughput for every batch size and place. What fails for lack of memory is left out."""
        for size in self.sizes:
            for place in self.places:
                try:
                    engine.end_to_end(self.swept[:size], size, place)  # warms up
                    rate = {"attention": attention, "batch": size, "resize_on": place}
                    rate["end_to_end"] = len(self.swept) / engine.end_to_end(self.swept, size, place)[1]
                    if place == self.places[0]:  # the model does not depend on it
                        rate["model_only"] = len(self.swept) / engine.model_only(self.swept, size)[1]
                except (RuntimeError, TypeError, ValueError) as problem:  # mostly lack of memory
                    engine.rest()
                    say(f"{self.name}: transformers {attention}, {size} at a time, resized on {place}: left out, "
                        f"{type(problem).__name__}: {str(problem).splitlines()[0]}")
                    continue
                self.sweep.append(rate)
                resized = f", resized on {place}" if len(self.places) > 1 else ""
                alone = f", model alone {rate['model_only']:.1f}/s" if "model_only" in rate else ""
                say(f"{self.name}: transformers {attention}, {size} at a time{resized}: {rate['end_to_end']:.1f}/s{alone}")
        for kind in ("end_to_end", "model_only") if self.sweep else ():
            self.best[kind] = max(self.sweep, key=lambda rate: rate.get(kind, 0.0))

    def run_theirs(self, engine):
        whole, model = self.best["end_to_end"], self.best["model_only"]
        ways = {"end_to_end": (whole, lambda: engine.end_to_end(self.items, whole["batch"], whole["resize_on"])),
                "model_only": (model, lambda: engine.model_only(self.items, model["batch"])),
                "model_lean": (model, lambda: engine.model_only(self.items, model["batch"], lean=True))}
        for kind, (rate, measure) in ways.items():
            engine.model.set_attn_implementation(rate["attention"])
            vectors, seconds = measure()
            self.theirs.setdefault(kind, []).append(seconds)
            if kind == "model_only":
                self.vectors["transformers"] = vectors
        engine.rest()
        say(f"{self.name}: transformers " +
            ", ".join(f"{kind} {seconds[-1]:.3f} s" for kind, seconds in self.theirs.items()))

    def result(self):
        count, result = len(self.items), {"items": len(self.items), "sweep": self.sweep, "best": self.best}
        rates = {}
        if self.ours:
            middle = {key: statistics.median(run[key] for run in self.ours) for key in self.ours[0]}
            rates["e5v"] = count / middle["seconds"]
            if middle["seconds"] > middle["short_seconds"]:
                rates["e5v_without_start"] = (count - len(self.short)) / (middle["seconds"] - middle["short_seconds"])
        for kind, seconds in self.theirs.items():
            rates[f"transformers_{kind}"] = count / statistics.median(seconds)
        result |= {"per_second": rates, "e5v_runs": self.ours, "short_items": len(self.short),
                   "transformers_seconds": self.theirs}
        if self.tokens:
            real, padded = self.tokens
            result |= {"tokens_per_item": real / len(self.swept), "padding": padded / real - 1}
        if len(self.vectors) == 2:
            cosines = np.sum(self.vectors["e5v"] * self.vectors["transformers"], axis=1)
            result["cosine"] = {"min": float(cosines.min()), "mean": float(cosines.mean())}
        return result


LABELS = {"e5v": "e5v, whole run", "e5v_without_start": "e5v, without the run's start",
          "transformers_end_to_end": "transformers, texts and files to vectors",
          "transformers_model_only": "transformers, model alone", "transformers_model_lean": "transformers, model alone, lean"}


def print_table(results):
    for name, result in results.items():
        rates, cosine = result["per_second"], result.get("cosine")
        against = f"   cosine min {cosine['min']:.5f}, mean {cosine['mean']:.5f}" if cosine else ""
        tokens = f" of {result['tokens_per_item']:.1f} tokens" if "tokens_per_item" in result else ""
        print(f"\n{result['items']} {name}{tokens}{against}")
        print(f"  {'':<44}{'per second':>12}{'speed-up':>10}")
        for kind, rate in rates.items():
            ratio = f"{rates['e5v'] / rate:9.2f}x" if "e5v" in rates and not kind.startswith("e5v") else ""
            best = result["best"].get("end_to_end" if kind.endswith("end_to_end") else "model_only", {})
            how = f"   {best['batch']} at a time, {best['attention']}" if kind.startswith("transformers") else ""
            if kind.endswith("end_to_end") and best["resize_on"] != "cpu":
                how += f", resized on {best['resize_on']}"
            print(f"  {LABELS[kind]:<44}{rate:12.1f}{ratio:>10}{how}")


def machine(arguments):
    version = None
    if not arguments.no_e5v:
        said = subprocess.run([arguments.e5v, "--version"], capture_output=True, text=True).stdout
        version = said.strip().removeprefix("e5v ")
    gpu = arguments.device != "cpu"
    return {"device": torch.cuda.get_device_name() if gpu else "CPU", "cuda": torch.version.cuda if gpu else None,
            "torch": torch.__version__, "transformers": transformers.__version__,
            "e5v": version, "dtype": arguments.dtype}


def make_checkpoint(arguments):
    if (arguments.model / "config.json").exists():
        return
    say(f"writing a checkpoint of random weights to {arguments.model}")
    dtype = ["--dtype", arguments.dtype]
    subprocess.run([arguments.e5v, "synth", "--config", arguments.synth, *dtype, "--output", arguments.model], check=True)


def workloads(arguments, folder):
    texts = [{"text": text} for text in inputs.varied_captions(arguments.captions)]
    files = [{"image": path} for path in write_photos(arguments.photo, folder, arguments.photos)]
    places = ["cpu"] if arguments.device == "cpu" else ["cpu", arguments.device]
    made = [Workload("captions", texts, max(1, len(texts) // 8), 512, arguments.caption_batches, ["cpu"]),
            Workload("photos", files, max(1, len(files) // 8), 16, arguments.photo_batches, places)]
    return [work for work in made if work.items]


def run_rounds(arguments, works, about, save):
    ours = theirs = None
    if not arguments.no_e5v:
        ours = E5v(arguments.e5v, arguments.model, arguments.e5v_dtype or arguments.dtype, None, arguments.device, arguments.e5v_arguments.split())
        try:
            ours.run(works[0].items[:1])  # brings the files into the system's cache
        except SystemExit as problem:
            say(problem)
    for turn in range(arguments.rounds):
        begin = time.perf_counter()
        for work in works if ours else []:
            try:
                work.run_ours(ours)
                about["e5v_load_seconds"] = round(work.ours[-1]["process_seconds"] - work.ours[-1]["seconds"], 1)
            except SystemExit as problem:
                say(f"{work.name}: {problem}")
            save()
        if not arguments.no_peer and theirs is None:
            theirs = TransformersCuda(arguments.model, arguments.dtype, arguments.device)
            about["transformers_load_seconds"] = round(theirs.load_seconds, 1)
            say(f"transformers: loaded in {theirs.load_seconds:.1f} s")
            for attention in attentions(arguments.device):
                theirs.model.set_attn_implementation(attention)
                for work in works:
                    work.run_sweep(theirs, attention)
            for work in (work for work in works if work.best):
                work.tokens = theirs.tokens(work.swept, work.best["end_to_end"]["batch"])
        for work in (work for work in works if work.best):
            work.run_theirs(theirs)
            save()
        now = time.perf_counter()
        if now - START + (now - begin) / 2 > arguments.most_seconds:
            say(f"there is no time for another round within {arguments.most_seconds:.0f} s: {turn + 1} done")
            break


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--synth", default="e5-v", help="config of the checkpoint that is made if there is none")
    parser.add_argument("--e5v", default="build/release/e5v", help="the program")
    parser.add_argument("--e5v-arguments", default="", help="further arguments of e5v embed, in one string")
    parser.add_argument("--device", default="cuda", help="device of both: cuda, or cpu for a test of the script")
    parser.add_argument("--dtype", choices=["bf16", "f32"], default="bf16", help="of both")
    parser.add_argument("--e5v-dtype", help="another dtype for e5v: fp8")
    parser.add_argument("--photo", default="tests/golden/images/img00_rgb_640x480.jpg", help="image of which photos are parts")
    parser.add_argument("--photos", type=int, default=64, help="number of them; 0: none")
    parser.add_argument("--captions", type=int, default=2048, help="number of them; 0: none")
    parser.add_argument("--photo-batches", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--caption-batches", type=int, nargs="+", default=[8, 16, 32, 64, 128, 256])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--most-seconds", type=float, default=200, help="a round begins only if it will probably end within this time")
    parser.add_argument("--quick", action="store_true", help="use 16 photos, 512 captions, two batch sizes of each, and one round")
    parser.add_argument("--no-e5v", action="store_true")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--output", type=Path, default=Path("compare_transformers_cuda.json"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.photos, arguments.captions, arguments.rounds = 16, 512, 1
        arguments.photo_batches, arguments.caption_batches = [2, 8], [64, 256]

    make_checkpoint(arguments)
    with tempfile.TemporaryDirectory() as folder:
        works, about = workloads(arguments, folder), machine(arguments)

        def save():
            results = {work.name: work.result() for work in works}
            arguments.output.write_text(json.dumps({"machine": about, "workloads": results}, indent=1) + "\n")
            return results

        run_rounds(arguments, works, about, save)
        print(f"\n{', '.join(f'{key} {value}' for key, value in about.items() if value)}")
        print_table(save())


if __name__ == "__main__":
    main()
