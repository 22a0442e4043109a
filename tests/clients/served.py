"""What the tests of clients share: PROGRAM MODEL IMAGE of the command line, servers, and the vectors of `e5v embed`."""
import base64
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

PROGRAM, MODEL, IMAGE = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
del sys.argv[1:4]
BASE64 = base64.b64encode(pathlib.Path(IMAGE).read_bytes()).decode()
ADDRESS = "data:image/png;base64," + BASE64
GUIDE = pathlib.Path(__file__).parents[2] / "docs/serving.md"


class Server:
    """`e5v serve` with the model; stop() ends it."""

    def __init__(self, *options, name="tiny", key=None):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--model", f"{name}={MODEL}", "--device", "cpu", "--listen", "127.0.0.1:0",
             "--access-log", "none", *options],
            stderr=subprocess.PIPE, text=True, env=os.environ | ({"E5V_API_KEY": key} if key else {}))
        line = self.process.stderr.readline()
        if " at " not in line:
            self.stop()
            raise RuntimeError(f"the server did not start: {line}")
        self.url = line.split(" at ")[1].strip()

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=60)


def embedded(items):
    """The vectors of `e5v embed` for items as it reads them."""
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder, "items.jsonl")
        lines.write_text("".join(json.dumps(item) + "\n" for item in items))
        output = subprocess.run([PROGRAM, "embed", "--model", MODEL, "--device", "cpu", "--input", str(lines)],
                                check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["embedding"] for line in output.splitlines()]


def floats(data):
    """The numbers of float32 bytes, little-endian."""
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def float_bytes(vector):
    """The reverse: equal bytes are equal float32 numbers."""
    return struct.pack(f"<{len(vector)}f", *vector)


def documented_clients():
    """The rows of the table of clients in docs/serving.md: what to write, by client."""
    table = GUIDE.read_text().split("| client | what to write |\n|---|---|\n")[1].split("\n\n")[0]
    return dict(re.fullmatch(r"\| (.+?) \| (.+) \|", line).groups() for line in table.splitlines())


def code_of(text):
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", text)
