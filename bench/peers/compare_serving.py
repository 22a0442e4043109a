#!/usr/bin/env python3
"""Compares e5v serve with e5v embed on the same captions, in alternating runs.

Loads the server over 32 connections with wrk (Debian package wrk), once for each number of texts in a request. The
cache of vectors is off. Prints texts per second, the share of e5v embed's throughput, and the latencies.
"""

import argparse
import statistics

import http_load
import inputs
from e5v_engine import E5v


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo/model", help="folder of the checkpoint")
    parser.add_argument("--e5v", default="build/release/e5v", help="the program")
    parser.add_argument("--captions", type=int, default=20000)
    parser.add_argument("--texts", type=int, nargs="+", default=[1, 16], help="numbers of texts in a request")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=10, help="of each run of the server")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encoding", choices=["float", "base64"], default="base64", help="of the vectors in answers")
    arguments = parser.parse_args()
    if arguments.captions < 2 * arguments.connections * max(arguments.texts):
        parser.error("fewer than twice the captions in flight: equal captions would share a batch, and one computation")
    captions = inputs.varied_captions(arguments.captions)
    program = E5v(arguments.e5v, arguments.model, "auto")
    items = [{"text": text} for text in captions]
    direct, served, latencies = [], {n: [] for n in arguments.texts}, {}
    for _ in range(arguments.rounds):
        direct.append(len(items) / program.run(items)[1])
        port = http_load.free_port()
        command = [arguments.e5v, "serve", "--model", f"m={arguments.model}", "--listen", f"127.0.0.1:{port}",
                   "--cache", "0", "--access-log", "none"]
        with http_load.server(command, port, "/ready") as url:
            for n in arguments.texts:
                bodies = http_load.bodies_of(captions, n, model="m", encoding_format=arguments.encoding)
                result = http_load.load(url + "/v1/embeddings", bodies, arguments.connections, arguments.seconds)
                served[n].append(n * result["rate"])
                latencies[n] = result
    whole = statistics.median(direct)
    print(f"e5v embed {whole:9.2f} texts/s   runs: {', '.join(f'{rate:.2f}' for rate in direct)}")
    for n, rates in served.items():
        ratio = statistics.median(rate / base for rate, base in zip(rates, direct))
        print(f"e5v serve {statistics.median(rates):9.2f} texts/s, {n} in a request   ratio {ratio:.3f}   "
              f"p50 {1e3 * latencies[n]['p50']:.1f} ms, p95 {1e3 * latencies[n]['p95']:.1f} ms   "
              f"runs: {', '.join(f'{rate:.2f}' for rate in rates)}", flush=True)


if __name__ == "__main__":
    main()
