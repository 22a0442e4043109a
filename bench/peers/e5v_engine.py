"""e5v as one engine of a comparison: the program, timed by what it says of its own run, without loading."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np


class E5v:
    def __init__(self, program, model, dtype, threads):
        self.name = f"e5v {dtype}"
        self.command = [program, "embed", "--model", str(model), "--dtype", dtype, "--threads", str(threads)]

    def run(self, items):
        """Vectors [len(items), width] and seconds; items are {"text": ...} or {"image": path}."""
        with tempfile.TemporaryDirectory() as folder:
            source, output = Path(folder) / "items.jsonl", Path(folder) / "vectors.npy"
            source.write_text("".join(json.dumps(item) + "\n" for item in items))
            done = subprocess.run([*self.command, "--input", source, "--output", output], capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"e5v failed: {done.stderr.strip()}")
            return np.load(output), seconds_of(done.stderr)


def seconds_of(message):
    """Seconds in "e5v: 64 items in 1m05s, 1.0/s"."""
    found = re.search(r"items? in (?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?,", message)
    if found is None:
        raise SystemExit(f"expected the time of the run, found: {message.strip()}")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds
