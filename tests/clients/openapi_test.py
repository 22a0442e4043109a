#!/usr/bin/env python3
"""openapi_test.py PROGRAM MODEL IMAGE [SECONDS]: schemathesis sends requests that fit /openapi.json, and requests that do
not. No answer may be a server error or differ from the description; the former must be taken, the latter refused. Without
a time, the requests are few and always the same; with one, they are drawn from a random seed for that time."""
import os
import pathlib
import subprocess
import sys
import sysconfig
import tempfile
import unittest

from served import IMAGE, MODEL, PROGRAM, Server

HERE = pathlib.Path(__file__).parent
SECONDS = sys.argv.pop(1) if len(sys.argv) > 1 else None
BUDGET = ["--max-time", SECONDS] if SECONDS else ["--max-examples", "5", "--seed", "1"]


class OpenApi(unittest.TestCase):
    def test_requests_of_schemathesis(self):
        library = self.enterContext(tempfile.TemporaryDirectory())
        subprocess.run([PROGRAM, "index", pathlib.Path(IMAGE).parent, "--library", library, "--model", MODEL, "--device", "cpu"],
                       check=True, capture_output=True)
        server = Server("--library", library)
        self.addCleanup(server.stop)
        program = pathlib.Path(sysconfig.get_path("scripts"), "schemathesis")
        command = [program, "--config-file", HERE / "schemathesis.toml", "run", f"{server.url}/openapi.json", "--workers", "1",
                   "--no-color", "--continue-on-failure", "--suppress-health-check", "all", "--request-timeout", "60", *BUDGET]
        with tempfile.TemporaryDirectory() as folder:  # schemathesis and hypothesis keep what they found
            done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  env=os.environ | {"SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(HERE)})
        print(done.stdout)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"\d{3,} generated, (\d+) passed")
        self.assertIsNone(server.process.poll(), "the server ended")


if __name__ == "__main__":
    unittest.main()
