#!/usr/bin/env python3
"""Compares the effect of each field of a checkpoint's files in e5v with its effect in the reference libraries.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 compressed-tensors==0.20.1 accelerate pillow==13.0.0
    tools/check_compatibility.py build/release/e5v tests/golden/ckpt/tiny-small-f32 [AREA ...]

For every field of PEFT's LoraConfig, of the configurations and image processors of LLaVA-NeXT, of the rotary embedding and of
compressed-tensors' quantization_config, the libraries make a small model or adapter, the field is changed, and the vectors of both are
compared. A table of Markdown goes to standard output:

    honoured   the change affects the vectors of both in the same way
    harmless   the change affects neither vector
    refused    e5v ends with an error
    WRONG      e5v computes another vector than the reference, without an error

The exit code is 1 when a line is WRONG. A field that the libraries have and this script does not know is an error.
"""
import argparse
import collections
import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "compatibility"))
AREAS = ["adapters", "configs", "rope", "processors", "quantization"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the e5v to compare")
    parser.add_argument("checkpoint", help="a small checkpoint of LLaVA-NeXT over Llama, as tests/golden/ckpt/tiny-small-f32")
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}; all by default")
    arguments = parser.parse_args()
    unknown = set(arguments.areas) - set(AREAS)
    if unknown:
        parser.error(f"unknown areas: {', '.join(sorted(unknown))}")

    common = importlib.import_module("common")
    program = common.Program(arguments.program)
    total = collections.Counter()
    for area in arguments.areas or AREAS:
        print(f"\n## {area}\n\n| field | value | the reference's vector changes | e5v | note |\n|---|---|---|---|---|", flush=True)
        for verdict in importlib.import_module(area).compare(program, arguments.checkpoint):
            print(f"| {verdict.field} | `{verdict.value}` | {verdict.effect} | {verdict.verdict} | {verdict.note} |", flush=True)
            total[verdict.verdict.split(":")[0]] += 1
    print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in sorted(total.items())))
    sys.exit(1 if total["WRONG"] else 0)


if __name__ == "__main__":
    main()
