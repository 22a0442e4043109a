#!/usr/bin/env python3
"""soak.py PROGRAM MODEL IMAGES [SECONDS]: `e5v serve` under mixed load for a long time.

Clients send texts, images, and both, in three dialects, and compare each vector with that of `e5v embed`. Two percent of
the requests are broken, and two percent of the clients disconnect before the answer. A client that is a process of its own is
killed by SIGKILL and started again, many times. 1,000 connections are idle, and some are replaced. At the end, the server gets
SIGTERM while thousands of texts wait.

The script fails if a vector is wrong, if an answer has a status that its request does not explain, if the memory in the last
quarter differs by more than 2 % from that in the second one, if descriptors are left over, if a text that was accepted before
SIGTERM has no vector, or if the server does not end with exit code 0.
"""

import argparse
import base64
import http.client
import json
import random
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

CLIENTS, IDLE, TOLERANCE = 12, 1000, 1e-4
LAST_REQUESTS, LAST_TEXTS = 8, 1500
DRAIN_SECONDS = 600  # on a busy machine, the last texts take minutes
WORDS = "a the red blue dog cat child beach runs sits near under old small car tree house snow two three".split()
# A process that sends the body on its standard input again and again, over several connections.
KILLED_CLIENT = """
import http.client, sys, threading
def send():
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
    while True:
        connection.request("POST", "/v1/embed", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
body = sys.stdin.buffer.read()
for _ in range(4):
    threading.Thread(target=send).start()
"""
BROKEN = [b"{", b'{"input": 5}', b'{"input": []}', b'{"input": "a", "model": "other"}', b'{"input": "a", "dimensions": -1}',
          b'{"input": [{"image": "AAAA"}]}', b'{"input": "a", "encoding_format": "hex"}', b"\xff\xfe"]


class Items:
    """Items, and their vectors by `e5v embed`."""

    def __init__(self, program, model, folder):
        chance = random.Random(0)
        texts = {" ".join(chance.choices(WORDS, k=chance.randint(1, 40))) for _ in range(400)}
        last = {" ".join(chance.choices(WORDS, k=20)) for _ in range(LAST_REQUESTS * LAST_TEXTS)} - texts
        images = sorted(path for path in Path(folder).resolve().iterdir() if path.suffix in (".jpg", ".png", ".webp"))[:24]
        self.items = [{"text": text} for text in sorted(texts)]
        self.items += [{"image": str(path)} for path in images]
        self.items += [{"image": str(path), "text": chance.choice(WORDS)} for path in images]
        self.common = len(self.items)  # those after them are in the last requests only, so they are not in the cache
        self.items += [{"text": text} for text in sorted(last)]
        with tempfile.TemporaryDirectory() as temporary:
            lines = Path(temporary, "items.jsonl")
            lines.write_text("".join(json.dumps(item) + "\n" for item in self.items))
            done = subprocess.run([program, "embed", "--model", model, "--device", "cpu", "--input", lines], check=True,
                                  capture_output=True, text=True)
        self.vectors = [json.loads(line)["embedding"] for line in done.stdout.splitlines()]
        self.encoded = {str(path): base64.b64encode(path.read_bytes()).decode() for path in images}

    def wire(self, index):
        """The item as a request has it."""
        item = dict(self.items[index])
        if "image" in item:
            item["image"] = self.encoded[item["image"]]
        return item


class Load:
    def __init__(self, items, port):
        self.items, self.port, self.stop = items, port, threading.Event()
        self.lock = threading.Lock()
        self.counts = {"answers": 0, "vectors": 0, "broken": 0, "vanished": 0, "killed": 0, "busy": 0}
        self.faults = []

    def count(self, name, number=1):
        with self.lock:
            self.counts[name] += number

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    def client(self, seed):
        chance, connection = random.Random(seed), None
        while not self.stop.is_set():
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
                kind = chance.random()
                if kind < 0.02:
                    self.broken(connection, chance)
                elif kind < 0.04:
                    self.vanish(connection, chance)
                    connection = None
                else:
                    self.good(connection, chance)
            except (OSError, http.client.HTTPException) as error:
                if not self.stop.is_set():
                    self.fault(f"connection: {error!r}")
                connection = None

    def post(self, connection, path, body):
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()

    def request(self, chance):
        """(path, body, indices) of a request that is right."""
        indices = chance.choices(range(self.items.common), k=chance.choice([1, 1, 1, 2, 8, 32]))
        if chance.random() < 0.5:
            body = {"input": [self.items.wire(i) for i in indices], "encoding_format": chance.choice(["float", "base64"])}
            return "/v1/embeddings", body, indices
        return "/v1/embed", {"items": [self.items.wire(i) for i in indices], "encoding": "base64"}, indices

    def good(self, connection, chance):
        path, body, indices = self.request(chance)
        status, answer = self.post(connection, path, json.dumps(body))
        if status == 429:
            self.count("busy")
            return time.sleep(0.1)
        if status != 200:
            return self.fault(f"{path} {status} {answer[:200]}")
        parsed = json.loads(answer)
        for index, entry in zip(indices, parsed["data"], strict=True):
            self.compare(index, entry["embedding"])
        self.count("answers")
        self.count("vectors", len(indices))

    def compare(self, index, embedding):
        if isinstance(embedding, str):
            data = base64.b64decode(embedding)
            embedding = struct.unpack(f"<{len(data) // 4}f", data)
        expected = self.items.vectors[index]
        difference = max(abs(a - b) for a, b in zip(embedding, expected, strict=True))
        if difference > TOLERANCE:
            self.fault(f"wrong vector of {self.items.items[index]}: {difference}")

    def broken(self, connection, chance):
        status, answer = self.post(connection, "/v1/embeddings", chance.choice(BROKEN))
        if status not in (400, 404):
            self.fault(f"a broken request got {status} {answer[:200]}")
        self.count("broken")

    def vanish(self, connection, chance):
        """Sends all or a part of a request and closes the connection."""
        path, body, _ = self.request(chance)
        data = json.dumps(body).encode()
        sent = len(data) if chance.random() < 0.5 else chance.randrange(len(data))
        connection.connect()
        connection.sock.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                f"Content-Length: {len(data)}\r\n\r\n".encode() + data[:sent])
        time.sleep(chance.random() * 0.02)
        connection.close()
        self.count("vanished")

    def killed(self):
        """Starts a client in a process of its own and kills it by SIGKILL, again and again."""
        chance = random.Random(CLIENTS)
        while not self.stop.is_set():
            body = json.dumps(self.request(chance)[1]).encode()
            with subprocess.Popen([sys.executable, "-c", KILLED_CLIENT, str(self.port)], stdin=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) as client:
                client.stdin.write(body)
                client.stdin.close()
                self.stop.wait(chance.uniform(0.3, 3))
                client.kill()
            self.count("killed")

    def last_request(self, indices):
        """A request that waits when the server is told to end."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DRAIN_SECONDS)
            body = {"items": [self.items.items[i] for i in indices], "encoding": "base64"}
            status, answer = self.post(connection, "/v1/embed", json.dumps(body))
            if status != 200:
                return self.fault(f"after SIGTERM {status} {answer[:200]}")
            for index, entry in zip(indices, json.loads(answer)["data"], strict=True):
                self.compare(index, entry["embedding"])
            self.count("vectors", len(indices))
        except (OSError, http.client.HTTPException) as error:
            self.fault(f"a request that was accepted before SIGTERM has no answer: {error!r}")

    def idle(self):
        """Holds idle connections, and replaces one in a while, or those that the server has closed."""
        held = []
        while not self.stop.is_set():
            try:
                while len(held) < IDLE:
                    held.append(socket.create_connection(("127.0.0.1", self.port), 10))
                held.pop(0).close()
            except OSError as error:
                self.fault(f"idle connection: {error!r}")
            self.stop.wait(0.05)
        for connection in held:
            connection.close()


def port_of(server, log):
    while server.poll() is None:
        found = re.search(r" at http://127.0.0.1:(\d+)\n", log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.1)
    raise SystemExit(f"the server did not start: {log.read_text()}")


def memory(pid):
    """Anonymous memory in bytes: mapped weights are not the server's to free."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("no RssAnon in /proc")


def descriptors(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def metric(port, name):
    """A number that the server counts, summed over its models."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return sum(int(number) for number in re.findall(rf"^{name}(?:{{.*}})? (\d+)$", answer.read().decode(), re.M))


def end(server, load):
    """Sends SIGTERM when all texts of the last requests are accepted and some of them wait. Returns the exit code."""
    last = range(load.items.common, len(load.items.items))
    accepted = metric(load.port, "e5v_inputs_submitted_total") + len(last)
    threads = [threading.Thread(target=load.last_request, args=(last[i::LAST_REQUESTS],)) for i in range(LAST_REQUESTS)]
    for thread in threads:
        thread.start()
    while metric(load.port, "e5v_inputs_submitted_total") < accepted and any(thread.is_alive() for thread in threads):
        time.sleep(0.001)
    waiting = metric(load.port, "e5v_queue_inputs")
    if waiting == 0:
        load.fault("no text waited at SIGTERM")
    server.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    print(f"{waiting} of {len(last)} texts waited at SIGTERM")
    return server.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model", help="folder of a checkpoint that is computed in f32")
    parser.add_argument("images", help="folder of images")
    parser.add_argument("seconds", type=int, nargs="?", default=7200)
    arguments = parser.parse_args()
    items = Items(arguments.program, arguments.model, arguments.images)
    log = tempfile.NamedTemporaryFile("w+")  # not a pipe, which would be full some day
    server = subprocess.Popen([arguments.program, "serve", "--model", f"m={arguments.model}", "--device", "cpu", "--listen",
                               "127.0.0.1:0", "--access-log", "none", "--cache", "1", "--drain-seconds",
                               str(DRAIN_SECONDS)], stderr=log)
    port = port_of(server, Path(log.name))
    before = descriptors(server.pid)
    load = Load(items, port)
    threads = [threading.Thread(target=load.client, args=(seed,)) for seed in range(CLIENTS)]
    threads += [threading.Thread(target=load.idle), threading.Thread(target=load.killed)]
    for thread in threads:
        thread.start()
    begin, samples = time.monotonic(), []
    while (spent := time.monotonic() - begin) < arguments.seconds and server.poll() is None:
        time.sleep(min(10, arguments.seconds / 40))
        samples.append(memory(server.pid))
        if len(samples) % 30 == 0:
            print(f"{spent:.0f} s: {samples[-1] >> 20} MiB, {descriptors(server.pid)} descriptors, {load.counts}, "
                  f"{len(load.faults)} faults", flush=True)
    load.stop.set()
    for thread in threads:
        thread.join()
    time.sleep(2)
    left = descriptors(server.pid) - before
    code = end(server, load)
    quarter = len(samples) // 4
    early, late = (statistics.median(samples[i * quarter:(i + 1) * quarter]) for i in (1, 3))
    print(f"{load.counts}; memory {early / 2**20:.1f} MiB, later {late / 2**20:.1f} MiB ({late / early - 1:+.2%}); "
          f"{left} descriptors left over; exit code {code}; {len(load.faults)} faults")
    for fault in load.faults[:20]:
        print(fault)
    sys.exit(0 if not load.faults and abs(late / early - 1) <= 0.02 and left == 0 and code == 0 else 1)


if __name__ == "__main__":
    main()
