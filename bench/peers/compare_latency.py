#!/usr/bin/env python3
"""Compares the latency of one text over HTTP with that of the library's call, and measures it next to many photos.

Three figures: the median of single texts through the library (bench_submit --alone), the same through e5v serve over one
connection, and, with --photos, the p95 of texts over HTTP while that many photos wait in the server. For the last one,
the time of one batch of photos is printed too: it is the longest time between two answers for the photos.
"""

import argparse
import re
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request
import json

import http_load
import inputs
import photos


def single_texts(program, model, texts):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(text + "\n" for text in texts)
        file.flush()
        done = subprocess.run([program, "--model", model, "--alone", file.name], capture_output=True, text=True, check=True)
    return float(re.search(r"p50 ([\d.]+) ms", done.stdout)[1])


def stream(url, body, times):
    """Posts to /v1/embed with "stream"; `times` gets the moment of every line of the answer."""
    request = urllib.request.Request(url + "/v1/embed", json.dumps({**body, "stream": True}).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=3600) as answer:
        for _ in answer:
            times.append(time.monotonic())


def next_to_photos(url, files, captions):
    """(seconds of texts that are sent one by one while the photos wait, seconds of the photos' longest batch)."""
    items = [{"image": http_load.data_uri(file)} for file in files]
    times = [time.monotonic()]
    worker = threading.Thread(target=stream, args=(url, {"items": items}, times))
    worker.start()
    while len(times) < 2:  # the vector of the first photo: the others are prepared or wait
        time.sleep(0.001)
    spent = []
    for caption in captions:
        begin = time.monotonic()
        http_load.post(url + "/v1/embeddings", {"input": caption})
        if not worker.is_alive():
            break
        spent.append(time.monotonic() - begin)
    worker.join()
    return spent, max(later - earlier for earlier, later in zip(times[1:], times[2:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo/model", help="folder of the checkpoint")
    parser.add_argument("--e5v", default="build/release/e5v", help="the program")
    parser.add_argument("--bench", default="build/release/bench/bench_submit", help="the library's measurement")
    parser.add_argument("--photo", default="tests/golden/images/img00_rgb_640x480.jpg")
    parser.add_argument("--photos", type=int, default=50, help="number of photos that wait; 0: none")
    parser.add_argument("--texts", type=int, default=60, help="minimum number of texts that are sent while photos wait")
    parser.add_argument("--alone", type=int, default=300, help="number of single texts of each run")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    library, served = [], []
    captions = inputs.varied_captions(20000)
    port = http_load.free_port()
    command = [arguments.e5v, "serve", "--model", f"m={arguments.model}", "--listen", f"127.0.0.1:{port}", "--cache", "0",
               "--access-log", "none"]
    for _ in range(arguments.rounds):
        library.append(single_texts(arguments.bench, arguments.model, captions[:arguments.alone]))
        seconds = max(2, round(arguments.alone * library[-1] / 1e3))
        with http_load.server(command, port, "/ready") as url:
            result = http_load.load(url + "/v1/embeddings", http_load.bodies_of(captions, 1), 1, seconds)
            served.append(1e3 * result["p50"])
    ratio = statistics.median(ours / theirs for ours, theirs in zip(served, library))
    print(f"library {statistics.median(library):.3f} ms, over HTTP {statistics.median(served):.3f} ms, ratio {ratio:.3f}   "
          f"runs: {library} {served}")
    if arguments.photos:
        with tempfile.TemporaryDirectory() as folder, http_load.server(command, port, "/ready") as url:
            files = photos.write_photos(arguments.photo, folder, arguments.photos)
            spent, batches = [], []
            while len(spent) < arguments.texts:
                more, longest = next_to_photos(url, files, captions)
                spent += more
                batches.append(longest)
        p95, batch = sorted(spent)[len(spent) * 95 // 100], statistics.median(batches)
        print(f"while {arguments.photos} photos wait: p95 of {len(spent)} texts {1e3 * p95:.1f} ms; one batch of photos "
              f"{1e3 * batch:.1f} ms; ratio {p95 / batch:.2f}")


if __name__ == "__main__":
    main()
