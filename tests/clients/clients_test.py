#!/usr/bin/env python3
"""clients_test.py PROGRAM MODEL IMAGE: official clients against `e5v serve`; their vectors must be those of `e5v embed`."""
import base64
import http.server
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

PROGRAM, MODEL, IMAGE = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
del sys.argv[1:]
TEXTS = ["a cat", "two dogs on a beach", ""]
ADDRESS = "data:image/png;base64," + base64.b64encode(pathlib.Path(IMAGE).read_bytes()).decode()


def embedded(items):
    """The vectors of `e5v embed` for items as it reads them."""
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder, "items.jsonl")
        lines.write_text("".join(json.dumps(item) + "\n" for item in items))
        output = subprocess.run([PROGRAM, "embed", "--model", MODEL, "--device", "cpu", "--input", str(lines)],
                                check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["embedding"] for line in output.splitlines()]


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([PROGRAM, "serve", "--model", f"tiny={MODEL}", "--device", "cpu", "--listen",
                                       "127.0.0.1:0", "--access-log", "none"], stderr=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.stop)  # also when what follows fails
        line = cls.server.stderr.readline()
        cls.url = line.split(" at ")[1].strip()
        cls.texts = embedded([{"text": text} for text in TEXTS])
        cls.image, cls.both = embedded([{"image": IMAGE}, {"image": IMAGE, "text": "but red"}])

    @classmethod
    def stop(cls):
        cls.server.terminate()
        cls.server.wait(timeout=30)
        cls.server.stderr.close()

    def assert_equal_vectors(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for vector, right in zip(found, expected):
            self.assertEqual(len(vector), len(right))
            self.assertLess(max(math.fabs(a - b) for a, b in zip(vector, right)), 1e-6)

    def test_openai(self):
        from openai import BadRequestError, NotFoundError, OpenAI
        client = OpenAI(base_url=self.url + "/v1", api_key="none", max_retries=0)
        answer = client.embeddings.create(model="tiny", input=TEXTS)  # asks for base64
        self.assert_equal_vectors([entry.embedding for entry in answer.data], self.texts)
        self.assertGreater(answer.usage.total_tokens, 0)
        numbers = client.embeddings.create(model="tiny", input=TEXTS[0], encoding_format="float", dimensions=16)
        self.assertEqual(len(numbers.data[0].embedding), 16)
        self.assertEqual([model.id for model in client.models.list().data], ["tiny"])
        with self.assertRaises(NotFoundError):
            client.embeddings.create(model="other", input="a")
        with self.assertRaises(BadRequestError) as refused:
            client.embeddings.create(model="tiny", input="a", dimensions=10**6)
        self.assertEqual(refused.exception.param, "dimensions")

    def test_cohere(self):
        import cohere
        client = cohere.ClientV2(api_key="none", base_url=self.url)
        texts = client.embed(model="tiny", input_type="search_document", texts=TEXTS, embedding_types=["float", "int8"])
        self.assert_equal_vectors(texts.embeddings.float_, self.texts)
        self.assertEqual(len(texts.embeddings.int8), len(TEXTS))
        images = client.embed(model="tiny", input_type="image", images=[ADDRESS])
        self.assert_equal_vectors(images.embeddings.float_, [self.image])
        content = [{"type": "text", "text": "but red"}, {"type": "image_url", "image_url": {"url": ADDRESS}}]
        both = client.embed(model="tiny", input_type="search_query", inputs=[{"content": content}])
        self.assert_equal_vectors(both.embeddings.float_, [self.both])

    def test_huggingface_hub(self):
        from huggingface_hub import InferenceClient
        client = InferenceClient(base_url=self.url + "/embed")
        self.assert_equal_vectors(client.feature_extraction(TEXTS[0]).tolist(), self.texts[:1])


class ImageHandler(http.server.BaseHTTPRequestHandler):
    """Answers every path with the image."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(pathlib.Path(IMAGE).read_bytes())

    def log_message(self, *_):
        pass


class ImagesFromUrls(unittest.TestCase):
    """A web server of the image, and a server that may fetch from it or not."""

    def setUp(self):
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ImageHandler)
        threading.Thread(target=web.serve_forever).start()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        self.host = f"localhost:{web.server_port}"
        self.image = f"http://{self.host}/image"

    def client(self, *options):
        from openai import OpenAI
        server = subprocess.Popen([PROGRAM, "serve", "--model", f"tiny={MODEL}", "--device", "cpu", "--listen",
                                   "127.0.0.1:0", "--access-log", "none", *options], stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait, timeout=30)
        self.addCleanup(server.terminate)
        url = server.stderr.readline().split(" at ")[1].strip()
        return OpenAI(base_url=url + "/v1", api_key="none", max_retries=0)

    def embed(self, client):
        return client.embeddings.create(model="tiny", input=[self.image], extra_body={"modality": "image"}).data[0].embedding

    def test_a_network_that_is_allowed(self):
        client = self.client("--allow-image-host", self.host, "--allow-image-network", "127.0.0.0/8")
        expected = embedded([{"image": IMAGE}])[0]
        self.assertLess(max(math.fabs(a - b) for a, b in zip(self.embed(client), expected)), 1e-6)

    def test_loopback_is_refused_otherwise(self):
        from openai import BadRequestError
        with self.assertRaisesRegex(BadRequestError, "found that its host cannot be reached"):
            self.embed(self.client("--allow-image-host", self.host))
        with self.assertRaisesRegex(BadRequestError, "does not fetch images from URLs"):
            self.embed(self.client())


if __name__ == "__main__":
    unittest.main()
