#!/usr/bin/env python3
"""Compares e5v's exact search with FAISS's (IndexFlatIP): the same vectors and queries, one query at a time, alternating runs.

Both search in memory with the same number of threads. The vectors are f16 numbers, so that both have the same ones. Prints the
median time of a query, the ratio, and whether all lists are equal. FAISS needs 4 bytes of memory for a dimension, e5v 3.
"""

import argparse
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np


def make_vectors(rows, width, clusters, seed):
    """Unit vectors: even ones, or those around as many centres, with cosines of about 0.2 to 0.9 to them."""
    chance = np.random.default_rng(seed)
    vectors = chance.standard_normal((rows, width), dtype=np.float32)
    if clusters:
        centres = np.random.default_rng(0).standard_normal((clusters, width), dtype=np.float32)
        share = chance.uniform(0.2, 0.9, (rows, 1)).astype(np.float32)
        vectors = share * centres[chance.integers(clusters, size=rows)] + np.sqrt(1 - share**2) * vectors
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def search_e5v(program, folder, width, k, threads):
    """(times in ms, lists)"""
    command = [program, "--vectors", folder / "vectors.f16", "--query-vectors", folder / "queries.f32", "--width", str(width),
               "--k", str(k), "--threads", str(threads), "--lists"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    times = [float(number) for number in re.findall(r"^query \d+: ([\d.]+) ms", out, re.M)]
    return times, [[int(i) for i in line.split()] for line in re.findall(r"^list (.*)$", out, re.M)]


def search_faiss(index, queries, k):
    times, lists = [], []
    for query in queries:
        begin = time.perf_counter()
        _, found = index.search(query[None], k)
        times.append(1e3 * (time.perf_counter() - begin))
        lists.append(found[0].tolist())
    return times, lists


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/bench/bench_nearest")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--clusters", type=int, default=1000, help="0: even vectors")
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--queries", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(arguments.threads)
    vectors = make_vectors(arguments.rows, arguments.width, arguments.clusters, 1).astype(np.float16)
    queries = make_vectors(arguments.queries, arguments.width, arguments.clusters, 2)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        vectors.tofile(folder / "vectors.f16")
        queries.tofile(folder / "queries.f32")
        index = faiss.IndexFlatIP(arguments.width)
        for begin in range(0, arguments.rows, 10_000):
            index.add(vectors[begin:begin + 10_000].astype(np.float32))
        del vectors
        for _ in range(arguments.rounds):
            times, lists = search_faiss(index, queries, arguments.k)
            theirs.append(statistics.median(times))
            times, own_lists = search_e5v(arguments.program, folder, arguments.width, arguments.k, arguments.threads)
            ours.append(statistics.median(times))
    equal = sum(a == b for a, b in zip(lists, own_lists, strict=True))
    ratio = statistics.median(a / b for a, b in zip(theirs, ours))
    print(f"faiss {faiss.__version__} IndexFlatIP {statistics.median(theirs):.2f} ms, e5v {statistics.median(ours):.2f} ms: "
          f"{ratio:.2f} times; runs {', '.join(f'{a:.1f}/{b:.1f}' for a, b in zip(theirs, ours))}")
    print(f"{equal} of {len(lists)} lists are equal (FAISS sums in f32, so neighbours of almost equal cosines may change places)")


if __name__ == "__main__":
    main()
