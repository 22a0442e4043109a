#!/usr/bin/env python3
"""clients_test.py PROGRAM MODEL IMAGE: official clients against `e5v serve`; their vectors must be those of `e5v embed`."""
import http.server
import json
import math
import pathlib
import subprocess
import threading
import unittest

from served import ADDRESS, IMAGE, MODEL, PROGRAM, Server, embedded

TEXTS = ["a cat", "two dogs on a beach", ""]


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)  # also when what follows fails
        cls.url = cls.server.url
        cls.texts = embedded([{"text": text} for text in TEXTS])
        cls.image, cls.both = embedded([{"image": IMAGE}, {"image": IMAGE, "text": "but red"}])

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

    def test_langchain(self):
        from langchain_openai import OpenAIEmbeddings
        client = OpenAIEmbeddings(base_url=self.url + "/v1", api_key="none", model="tiny", max_retries=0,
                                  check_embedding_ctx_length=False)
        self.assert_equal_vectors(client.embed_documents(TEXTS), self.texts)
        self.assert_equal_vectors([client.embed_query(TEXTS[0])], self.texts[:1])
        self.assertEqual(len(OpenAIEmbeddings(base_url=self.url + "/v1", api_key="none", model="tiny", dimensions=16,
                                              check_embedding_ctx_length=False).embed_query("a cat")), 16)

    def test_langchain_with_token_ids(self):
        """With check_embedding_ctx_length, LangChain sends token ids, of the tokenizer that tiktoken has for the model's
        name. tiktoken knows no other models than OpenAI's, so it is told the model's own tokenizer here."""
        import tiktoken
        from langchain_openai import OpenAIEmbeddings
        tokenizer = json.loads(pathlib.Path(MODEL, "tokenizer.json").read_text())
        pattern = tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
        tiktoken.model.MODEL_TO_ENCODING["tiny"] = "tiny"
        tiktoken.registry.ENCODINGS["tiny"] = tiktoken.Encoding(
            "tiny", pat_str=pattern, mergeable_ranks=token_bytes(tokenizer["model"]["vocab"]), special_tokens={})
        client = OpenAIEmbeddings(base_url=self.url + "/v1", api_key="none", model="tiny", max_retries=0)
        self.assertTrue(client.check_embedding_ctx_length)
        self.assert_equal_vectors(client.embed_documents(TEXTS), self.texts)


def token_bytes(vocabulary):
    """The ids of the bytes of tokens, which tokenizer.json writes with a printable character for each byte."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
    return {bytes(byte_of[character] for character in token): rank for token, rank in vocabulary.items()}


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
