#!/usr/bin/env python3
"""machines_test.py PROGRAM MODEL NGINX_CONF: three `e5v serve` behind a proxy. One of them is killed, another one is asked to
end, and both come back, all under load: each request gets its vectors."""
import collections
import http.client
import http.server
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM, MODEL, NGINX_CONF = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
del sys.argv[1:]
SERVERS, CLIENTS, TEXTS, PER_REQUEST = 3, 12, 96, 4


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ask(port, path, body=None, timeout=60):
    """The status and the body of an answer. Raises OSError or HTTPException when none comes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        if body is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def is_ready(port, path="/ready"):
    try:
        return ask(port, path, timeout=2)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def wait_until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


class Server:
    def __init__(self):
        self.port = free_port()
        self.start()

    def start(self):
        self.process = subprocess.Popen([PROGRAM, "serve", "--model", f"tiny={MODEL}", "--device", "cpu", "--listen",
                                         f"127.0.0.1:{self.port}", "--access-log", "none", "--cache", "0"],
                                        stderr=subprocess.DEVNULL)

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def requests(self):
        """How many requests for vectors it has answered."""
        lines = ask(self.port, "/metrics")[1].decode().splitlines()
        counts = [line for line in lines if line.startswith("e5v_requests_total") and "/v1/embeddings" in line]
        return sum(float(line.split()[-1]) for line in counts)


class Load:
    """Clients that ask for vectors until they are stopped, and again when a request fails."""

    def __init__(self, port, expected):
        self.port, self.expected = port, expected
        self.done, self.wrong, self.lost = 0, 0, 0
        self.failures = collections.Counter()  # that a client saw, and repeated
        self.stopped, self.lock, self.turns = threading.Event(), threading.Lock(), itertools.count()
        self.threads = [threading.Thread(target=self.run) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def run(self):
        while not self.stopped.is_set():
            with self.lock:
                turn = next(self.turns)
            indices = [(turn * PER_REQUEST + i) % TEXTS for i in range(PER_REQUEST)]
            answer = self.try_often([f"text {index}" for index in indices])
            with self.lock:
                self.done += 1
                self.lost += answer is None
                self.wrong += answer is not None and not self.is_right(answer, indices)

    def try_often(self, texts):
        for _ in range(5):
            try:
                status, body = ask(self.port, "/v1/embeddings", {"model": "tiny", "input": texts})
                if status == 200:
                    return json.loads(body)
                failure = str(status)
            except (OSError, http.client.HTTPException) as error:
                failure = type(error).__name__
            with self.lock:
                self.failures[failure] += 1
            time.sleep(0.05)
        return None

    def is_right(self, answer, indices):
        vectors = [entry["embedding"] for entry in answer["data"]]
        return len(vectors) == len(indices) and all(
            max(abs(a - b) for a, b in zip(vector, self.expected[index])) < 1e-6 for vector, index in zip(vectors, indices))

    def wait_for(self, requests):
        until = self.done + requests
        wait_until(lambda: self.done >= until, f"{requests} further requests")


class Machines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = [Server() for _ in range(SERVERS)]
        cls.addClassCleanup(lambda: [server.process.wait() for server in cls.servers])
        cls.addClassCleanup(lambda: [server.process.kill() for server in cls.servers])
        for server in cls.servers:
            wait_until(lambda: is_ready(server.port), "a server that is ready")
        answer = ask(cls.servers[0].port, "/v1/embeddings", {"input": [f"text {index}" for index in range(TEXTS)]})[1]
        cls.expected = [entry["embedding"] for entry in json.loads(answer)["data"]]

    def nginx(self, ports=None):
        """The port of nginx with the file of packaging/, in which only addresses and ports are others."""
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            raise FileNotFoundError("nginx is not installed; make check-serving installs it")
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        port = free_port()
        ports = iter(ports or [server.port for server in self.servers])
        site, servers = re.subn(r"server 10\.0\.0\.\d:8080", lambda _: f"server 127.0.0.1:{next(ports)}", NGINX_CONF.read_text())
        site, listens = re.subn(r"listen 80;", f"listen 127.0.0.1:{port};", site)
        self.assertEqual((servers, listens), (SERVERS, 1))
        (folder / "e5v.conf").write_text(site)
        paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(f"{user}\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/errors;\n"
                                           f"events {{}}\nhttp {{\naccess_log off;\n{paths}include {folder}/e5v.conf;\n}}\n")
        self.run_proxy([program, "-e", f"{folder}/errors", "-c", f"{folder}/nginx.conf"], port)
        return port

    def vllm_router(self):
        """The port of vLLM's router, which looks at the health of servers itself."""
        port, metrics = free_port(), free_port()
        command = [sys.executable, "-m", "vllm_router.launch_router"]
        urls = [f"http://127.0.0.1:{server.port}" for server in self.servers]
        self.run_proxy([*command, "--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(metrics), "--policy",
                        "round_robin", "--health-check-endpoint", "/ready", "--health-check-interval-secs", "1",
                        "--health-success-threshold", "1", "--cb-timeout-duration-secs", "2", "--worker-urls", *urls], port)
        return port

    def run_proxy(self, command, port):
        said = self.enterContext(tempfile.TemporaryFile("w+"))
        process = subprocess.Popen(command, stdout=said, stderr=said)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        wait_until(lambda: process.poll() is not None or is_ready(port, "/health"), "a proxy that answers")
        said.seek(0)
        self.assertIsNone(process.poll(), f"the proxy has ended: {said.read()}")

    def check(self, port, name):
        """Kills a server under load and ends another one, and has both come back. Returns what clients saw of it."""
        before = [server.requests() for server in self.servers]
        first, second = self.servers[:2]
        with Load(port, self.expected) as load:
            load.wait_for(200)
            shares = [server.requests() - count for server, count in zip(self.servers, before)]
            first.end(signal.SIGKILL)
            load.wait_for(300)
            killed = load.failures.copy()
            first.start()
            load.wait_for(100)
            wait_until(lambda: is_ready(first.port), "the killed server again")
            wait_until(lambda: first.requests() > 0, "requests to the killed server")
            code = second.end(signal.SIGTERM)
            load.wait_for(300)
            second.start()
            wait_until(lambda: is_ready(second.port), "the ended server again")
            load.wait_for(100)
        print(f"{name}: {load.done} requests, shares {shares} of the first; clients repeated {dict(killed)} after SIGKILL, "
              f"{dict(load.failures - killed)} later")
        self.assertEqual((load.lost, load.wrong, code), (0, 0, 0))
        self.assertTrue(all(share > 0 for share in shares), "a server was left out")
        self.assertLessEqual(killed.total(), CLIENTS, "more requests failed than were in flight")
        return load.failures

    def test_nginx_repeats_what_a_server_that_fails_has_not_answered(self):
        self.assertEqual(self.check(self.nginx(), "nginx").total(), 0)

    def test_nginx_asks_another_server_while_one_loads(self):
        asked = []

        class Loading(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                asked.append(self.path)
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_error(503)

            def log_message(self, *_):
                pass

        loading = self.enterContext(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Loading))
        thread = threading.Thread(target=loading.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(loading.shutdown)
        port = self.nginx([loading.server_port, *(server.port for server in self.servers[1:])])
        answers = [ask(port, "/v1/embeddings", {"input": "a"})[0] for _ in range(12)]
        self.assertEqual(answers, [200] * 12)
        self.assertTrue(asked)

    def test_nginx_leaves_a_deadline_and_a_bad_request_to_the_client(self):
        port = self.nginx()
        before = sum(server.requests() for server in self.servers)
        self.assertEqual(ask(port, "/v1/embeddings", {"input": 5})[0], 400)
        self.assertEqual(sum(server.requests() for server in self.servers), before + 1)
        items = [{"text": f"{i} " + "word " * 2000} for i in range(50)]  # the first ones may be computed in time
        answers = [ask(port, "/v1/embed", {"items": items, "timeout_ms": 1})[0] for _ in range(3)]
        self.assertEqual(answers, [504] * 3)
        self.assertEqual(ask(port, "/v1/embeddings", {"input": "a"})[0], 200)

    def test_nginx_passes_streams_and_uploads_on(self):
        port = self.nginx()
        status, body = ask(port, "/v1/embed", {"stream": True, "items": [{"text": "text 0"}]})
        self.assertEqual(status, 200)
        line = json.loads(body.splitlines()[0])
        self.assertLess(max(abs(a - b) for a, b in zip(line["embedding"], self.expected[0])), 1e-6)
        large = {"items": [{"text": "text 0"}], "unknown": "x" * 4_000_000}
        self.assertEqual(ask(port, "/v1/embed", large)[0], 200)

    def test_the_router_of_vllm(self):
        self.check(self.vllm_router(), "vllm-router")


if __name__ == "__main__":
    unittest.main()
