#!/usr/bin/env bash
# mteb: OpenAIAPIEncodeWrapper takes an api_key and sends it to /v1/embeddings, but asks for /v1/models without it before. Servers that
# want the key there, too, as OpenAI's API and vLLM with --api-key do, answer 401, and the wrapper cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mteb-core==2.26.24
cd "$folder" && "$folder/venv/bin/python" - <<'PYTHON'
import http.server, json, sys, threading
from importlib.metadata import version

from mteb.models import OpenAIAPIEncodeWrapper

print("mteb", version("mteb-core"))


class Handler(http.server.BaseHTTPRequestHandler):
    """A server whose routes all want the key KEY."""

    def do_GET(self):
        key = self.headers.get("Authorization")
        print(self.command, self.path, "Authorization:", key)
        body = json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}).encode()
        self.send_response(200 if key == "Bearer KEY" else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
try:
    OpenAIAPIEncodeWrapper(f"http://127.0.0.1:{server.server_port}", "m", api_key="KEY")
    sys.exit(1)
except ConnectionError as error:
    print("ConnectionError:", error)
    sys.exit(0 if "401" in str(error) else 1)
PYTHON
