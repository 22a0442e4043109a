#!/usr/bin/env bash
# vLLM's router passes requests on to the servers behind it. In those of /v1/rerank, it replaces the name of the model by "default", so a
# server that serves its model under any other name refuses them. Requests of other routes, such as /v1/embeddings, keep the name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q vllm-router==0.1.17
cd "$folder" && "$folder/venv/bin/python" - <<'PYTHON'
import http.client, http.server, importlib.metadata, json, socket, subprocess, sys, threading, time

received = {}

class Server(http.server.BaseHTTPRequestHandler):
    """Stands for a server of vLLM: it keeps what it is asked."""
    def answer(self, body=b"{}"):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer()
    def do_POST(self):
        received[self.path] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer()
    def log_message(self, *_):
        pass

def ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return found

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
port, metrics = ports(2)
router = subprocess.Popen([sys.executable, "-m", "vllm_router.launch_router", "--host", "127.0.0.1", "--port", str(port), "--prometheus-port",
                           str(metrics), "--worker-urls", f"http://127.0.0.1:{server.server_port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def ask(method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
    return connection.getresponse().status

try:
    for _ in range(100):
        try:
            if ask("GET", "/health") == 200:
                break
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.3)
    ask("POST", "/v1/embeddings", {"model": "mine", "input": "a"})
    ask("POST", "/v1/rerank", {"model": "mine", "query": "a", "documents": ["b"]})
finally:
    router.terminate()
    router.wait()
print("vllm-router", importlib.metadata.version("vllm-router"))
for path, body in received.items():
    print(path, "asked for the model mine, the server received", body)
models = {path: body.get("model") for path, body in received.items()}
sys.exit(0 if models.get("/v1/embeddings") == "mine" and "default" in [model for path, model in models.items() if "rerank" in path] else 1)
PYTHON
