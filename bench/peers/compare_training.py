#!/usr/bin/env python3
"""Compares e5v train with transformers + peft on one checkpoint: same pairs, same recipe, same threads, in alternating runs.

Both train LoRA adapters (rank 64, alpha 16, dropout 0.05 on all seven matrices) with gradient checkpointing on batches
of triplets, computed at once. Prints tokens per second (medians; padding is not counted), their ratio, and both losses of
the first step. Dropout does not change these losses, because the adapters' B is zero, so they show that both computed the
same.
"""

import argparse
import csv
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

import inputs

RECIPE = {"rank": 64, "alpha": 16, "dropout": 0.05, "lr": 4e-4, "temperature": 0.05, "seed": 42}


def made_triplets(count):
    """Triplets of the captions of the other comparisons: the positive has another place, the negative another person."""
    captions = inputs.captions(64)
    return [(captions[8 * (i % 8) + i // 8 % 8], captions[8 * (i % 8) + (i // 8 + 1) % 8],
             captions[8 * ((i + 1) % 8) + i // 8 % 8]) for i in range(count)]


def read_triplets(path, count):
    with open(path, newline="", encoding="utf-8") as file:
        rows = [(row["sent0"], row["sent1"], row["hard_neg"]) for row in csv.DictReader(file)]
    if len(rows) < count:
        raise SystemExit(f"{path} has {len(rows)} triplets, expected at least {count}")
    return rows[:count]


def run_e5v(arguments, triplets):
    """Metrics of the steps of one run over these triplets."""
    with tempfile.TemporaryDirectory() as folder:
        pairs, output = Path(folder) / "pairs.csv", Path(folder) / "run"
        with open(pairs, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("sent0", "sent1", "hard_neg"), *triplets])
        command = [arguments.e5v, "train", "--model", arguments.model, "--pairs", pairs, "--output", output, "--steps",
                   len(triplets) // arguments.batch, "--batch", arguments.batch, "--micro-batch", arguments.batch,
                   "--max-tokens", 0, "--dtype", arguments.dtype, "--threads", arguments.threads, "--warmup", 0,
                   "--schedule", "constant", "--save-every", 1000000, "--rank", RECIPE["rank"], "--alpha", RECIPE["alpha"],
                   "--dropout", RECIPE["dropout"], "--lr", RECIPE["lr"], "--temperature", RECIPE["temperature"],
                   "--seed", RECIPE["seed"]]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"e5v failed: {done.stderr.strip()}")
        return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the checkpoint, such as e5v synth writes")
    parser.add_argument("--e5v", default="build/release/e5v", help="the program")
    parser.add_argument("--pairs", type=Path, help="CSV of sent0, sent1, hard_neg; by default captions of the script")
    parser.add_argument("--dtype", choices=["bf16", "f32"], default="bf16", help="of e5v")
    parser.add_argument("--peer-dtype", choices=["bf16", "f32"], default="bf16", help="of transformers")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8, help="triplets per step")
    parser.add_argument("--steps", type=int, default=1,
                        help="steps per round; with more than one, e5v shuffles the triplets, so that first losses differ")
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()

    from train_transformers import TransformersTrainer  # slow to import, so it comes after the check of the arguments
    count = arguments.batch * arguments.steps
    triplets = read_triplets(arguments.pairs, count) if arguments.pairs else made_triplets(count)
    peer = TransformersTrainer(arguments.model, arguments.peer_dtype, arguments.threads, RECIPE)
    ours_rates, peer_rates = [], []
    for turn in range(arguments.rounds):
        metrics = run_e5v(arguments, triplets)
        ours_rates += [step["tokens_per_second"] for step in metrics]
        for step in range(arguments.steps):
            begin = step * arguments.batch
            loss, tokens, seconds = peer.step(triplets[begin:begin + arguments.batch])
            peer_rates.append(tokens / seconds)
            if turn == 0 and step == 0:
                peer_loss = loss
        print(f"round {turn + 1}: e5v {' '.join(f'{rate:.1f}' for rate in ours_rates[-arguments.steps:])}   {peer.name} "
              f"{' '.join(f'{rate:.1f}' for rate in peer_rates[-arguments.steps:])} tokens/s", flush=True)
    ours, theirs = statistics.median(ours_rates), statistics.median(peer_rates)
    print(f"e5v {arguments.dtype} {ours:.1f} tokens/s   {peer.name} {theirs:.1f} tokens/s   ratio {ours / theirs:.2f}   "
          f"losses of the first step {metrics[0]['loss']:.5f} and {peer_loss:.5f}")


if __name__ == "__main__":
    main()
