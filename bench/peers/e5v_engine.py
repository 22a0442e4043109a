"""e5v as one engine of a comparison: the program, with the time that it reports for its run, without loading."""

import json
import re
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np


class E5v:
    def __init__(self, program, model, dtype, threads=None, device=None, more=()):
        self.name = f"e5v {device or ''} {dtype}".replace("  ", " ")
        self.command = [program, "embed", "--model", str(model), "--dtype", dtype, *more]
        if threads is not None:
            self.command += ["--threads", str(threads)]
        if device is not None:
            self.command += ["--device", device]
        self.process_seconds = 0.0  # of the last run, including loading

    def run(self, items):
        """Vectors [len(items), width] and seconds; items are {"text": ...} or {"image": path}."""
        with tempfile.TemporaryDirectory() as folder:
            source, output = Path(folder) / "items.jsonl", Path(folder) / "vectors.npy"
            source.write_text("".join(json.dumps(item) + "\n" for item in items))
            begin = time.perf_counter()
            done = subprocess.run([*self.command, "--input", source, "--output", output], capture_output=True, text=True)
            self.process_seconds = time.perf_counter() - begin
            if done.returncode != 0:
                raise SystemExit(f"e5v failed: {done.stderr.strip()}")
            return np.load(output), seconds_of(done.stderr)


def seconds_of(message):
    """Seconds in "e5v: 64 items in 1m05s, 1.0/s": computed from the rate if that number is more exact."""
    found = re.search(r"(\d+) items? in (?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?, ([\d.]+)/s", message)
    if found is None:
        raise SystemExit(f"expected the time of the run, found: {message.strip()}")
    items, hours, minutes, seconds, rate = (float(part or 0) for part in found.groups())
    spent = 3600 * hours + 60 * minutes + seconds
    return items / rate if rate > spent else spent
