"""Servers of embeddings as engines of a comparison: starts one, loads it with wrk, and gives its throughput."""

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

SCRIPT = Path(__file__).with_name("http_load.lua")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(command, port, ready, environment=None, seconds=300):
    """A running server; it is ready when GET `ready` has the status 200."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        try:
            url = f"http://127.0.0.1:{port}"
            end = time.monotonic() + seconds
            while not answers(url + ready):
                if process.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    raise SystemExit(f"{command[0]} did not start: {log.read().decode()[-2000:]}")
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def bodies_of(inputs, batch, **fields):
    """OpenAI requests of `batch` inputs each."""
    return [{"input": inputs[i:i + batch], **fields} for i in range(0, len(inputs) - batch + 1, batch)]


def data_uri(photo):
    return "data:image/jpeg;base64," + base64.b64encode(Path(photo).read_bytes()).decode()


def load(url, bodies, connections, seconds):
    """What wrk saw in `seconds` of POSTing the bodies in a circle: requests answered, requests per second, latencies."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(body) + "\n" for body in bodies)
        file.flush()
        done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "120s", "-s", SCRIPT, url,
                               "--", file.name], capture_output=True, text=True)
    found = re.search(r"RESULT (\{.*\})", done.stdout)
    if done.returncode != 0 or found is None:
        raise SystemExit(f"wrk failed: {done.stdout} {done.stderr}")
    result = json.loads(found[1])
    if result["refused"] or result["lost"] or not result["answered"]:
        raise SystemExit(f"not all requests were answered: {result}")
    result["rate"] = result["answered"] / result["seconds"]
    return result
