#!/usr/bin/env python3
"""http_test.py PROGRAM MODEL IMAGE: what docs/serving.md says to write for each client, and curl in the dialects without
an official Python client. Vectors must be those of `e5v embed`."""
import base64
import functools
import json
import math
import re
import subprocess
import tempfile
import unittest

from served import (ADDRESS, BASE64, GUIDE, IMAGE, Server, code_of, documented_clients, embedded, float_bytes, floats)

KEY = "KEY"  # as the guide has it
ELSEWHERE = {"mteb": "mteb_test.py"}  # clients that other tests run


def curl(url, body=None, *options):
    """Status, header fields and body of a response."""
    data = [] if body is None else ["--header", "Content-Type: application/json", "--data-binary", "@-"]
    command = ["curl", "--silent", "--show-error", "--include", "--header", f"Authorization: Bearer {KEY}", *data,
               *options, url]
    output = subprocess.run(command, input=None if body is None else json.dumps(body).encode(), check=True,
                            capture_output=True).stdout
    head, _, content = output.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
    return int(lines[0].split()[1]), fields, content


@functools.cache
def expected_vectors():
    return embedded([{"text": "a cat"}, {"image": IMAGE}, {"image": IMAGE, "text": "but red"}, {"text": "but red"}])


class ServedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--cache", "0", name="e5-v", key=KEY)  # each answer is computed
        cls.addClassCleanup(cls.server.stop)
        cls.text, cls.image, cls.both, cls.red = expected_vectors()

    def ask(self, path, body=None):
        status, fields, content = curl(self.server.url + path, body)
        self.assertEqual(status, 200, content)
        return json.loads(content)

    def assert_vector(self, found, expected):
        self.assertEqual(len(found), len(expected))
        self.assertLess(max(math.fabs(a - b) for a, b in zip(found, expected)), 1e-6)


class Guide(ServedTest):
    """Each method runs one line of the table: it gets what the line has between backticks."""

    def test_each_line_has_a_test(self):
        clients = documented_clients()
        self.assertEqual(set(clients), {*self.LINES, *ELSEWHERE})
        for client, run in self.LINES.items():
            with self.subTest(client):
                run(self, [self.filled_in(code) for code in code_of(clients[client])])

    def test_each_command_runs(self):
        """The curl commands of the guide, in a folder that has a cat.jpg."""
        block = GUIDE.read_text().split("## e5v's own dialect")[1].split("```")[1]
        commands = re.split(r"^(?=curl )", block.strip(), flags=re.MULTILINE)[1:]
        self.assertEqual(len(commands), 2)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cp", IMAGE, f"{folder}/cat.jpg"], check=True)
            for command in commands:
                command = self.filled_in(command).replace("localhost:8080", self.server.url)
                output = subprocess.run(f"{command.strip()} --silent --header 'Authorization: Bearer {KEY}'", shell=True,
                                        check=True, cwd=folder, capture_output=True).stdout
                vectors = [entry["embedding"] for entry in json.loads(output)["data"]]
                expected = [self.both] if "cat.jpg" in command else [self.text, self.image]
                for found, right in zip(vectors, expected):  # the guide's last vector has another prompt
                    self.assert_vector(found, right)

    def filled_in(self, code):
        return code.replace("http://localhost:8080", self.server.url).replace("BASE64", BASE64)

    def openai(self, code):
        from openai import OpenAI
        answer = eval(code[0], {"OpenAI": OpenAI})
        self.assert_vector(answer.data[0].embedding, self.text)

    def langchain(self, code):
        from langchain_openai import OpenAIEmbeddings
        self.assert_vector(eval(code[0], {"OpenAIEmbeddings": OpenAIEmbeddings}), self.text)

    def cohere(self, code):
        import cohere
        self.assert_vector(eval(code[0], {"cohere": cohere}).embeddings.float_[0], self.text)

    def huggingface_hub(self, code):
        from huggingface_hub import InferenceClient
        self.assert_vector(eval(code[0], {"InferenceClient": InferenceClient})[0].tolist(), self.text)

    def vllm(self, code):
        text, messages, embeddings, pooling = code
        self.assert_vector(self.ask(embeddings, json.loads(text))["data"][0]["embedding"], self.text)
        self.assert_vector(self.ask(embeddings, json.loads(messages))["data"][0]["embedding"], self.image)
        self.assert_vector(self.ask(pooling, json.loads(messages))["data"][0]["data"], self.image)

    def vllm_scores(self, code):
        pair, score, query, rerank = code
        scores = [entry["score"] for entry in self.ask(score, json.loads(pair))["data"]]
        results = self.ask(rerank, json.loads(query))["results"]
        self.assert_vector([entry["relevance_score"] for entry in results], sorted(scores, reverse=True))

    def vllm_tokens(self, code):
        prompt, tokenize, tokens, detokenize = code
        found = self.ask(tokenize, json.loads(prompt) | {"add_special_tokens": False})["tokens"]
        self.assertEqual(self.ask(detokenize, {"tokens": found})["prompt"], "a cat")
        self.assertTrue(self.ask(detokenize, json.loads(tokens))["prompt"])

    def jina(self, code):
        data = self.ask(code[1], json.loads(code[0]))["data"]
        self.assert_vector(data[0]["embedding"], self.text)
        self.assert_vector(data[1]["embedding"], self.image)

    def infinity(self, code):
        self.assert_vector(self.ask(code[1], json.loads(code[0]))["data"][0]["embedding"], self.image)

    def tei(self, code):
        inputs, embed, pair, similarity = code
        self.assert_vector(self.ask(embed, json.loads(inputs))[0], self.text)
        self.assertEqual(len(self.ask(similarity, json.loads(pair))), 2)

    def llama_cpp(self, code):
        text, both, path = code
        self.assert_vector(self.ask(path, json.loads(text))[0]["embedding"][0], self.text)
        self.assert_vector(self.ask(path, json.loads(both))[0]["embedding"][0], self.both)

    LINES = {"openai (Python)": openai, "LangChain": langchain, "cohere": cohere, "huggingface_hub": huggingface_hub,
             "vLLM": vllm, "vLLM, scores": vllm_scores, "vLLM, tokens": vllm_tokens, "Jina, SGLang": jina,
             "infinity": infinity, "Text Embeddings Inference": tei, "llama.cpp": llama_cpp}


class Curl(ServedTest):
    def test_text_embeddings_inference(self):
        status, fields, content = curl(self.server.url + "/embed", {"inputs": ["a cat", "but red"], "truncate": True})
        self.assertEqual(status, 200)
        for found, expected in zip(json.loads(content), [self.text, self.red], strict=True):
            self.assert_vector(found, expected)
        self.assertEqual(fields["x-compute-characters"], "12")
        self.assertGreater(int(fields["x-compute-tokens"]), 0)
        info = self.ask("/info")
        self.assertEqual(info["model_id"], "e5-v")
        self.assertIn("embedding", info["model_type"])
        similarity = self.ask("/similarity", {"inputs": {"source_sentence": "a cat", "sentences": ["a cat", "but red"]}})
        cosine = sum(a * b for a, b in zip(self.text, self.red))
        self.assertAlmostEqual(similarity[0], 1, places=5)
        self.assertAlmostEqual(similarity[1], cosine, places=5)
        status, _, content = curl(self.server.url + "/embed", {"inputs": 5})
        self.assertEqual(status, 422)
        self.assertEqual(json.loads(content)["error_type"], "Validation")

    def test_llama_cpp(self):
        marker = self.ask("/props")["media_marker"]
        content = [{"prompt_string": f"{marker}but red", "multimodal_data": [BASE64]}, "a cat",
                   {"prompt_string": marker, "multimodal_data": [BASE64]}]
        answer = self.ask("/embeddings", {"content": content, "embd_normalize": 2})
        self.assertEqual([entry["index"] for entry in answer], [0, 1, 2])
        for entry, expected in zip(answer, [self.both, self.text, self.image]):
            self.assert_vector(entry["embedding"][0], expected)
        self.assertEqual(self.ask("/health")["status"], "ok")
        status, _, content = curl(self.server.url + "/embedding", {"content": "a", "embd_normalize": 1})
        self.assertEqual(status, 400)
        self.assertEqual(json.loads(content)["error"]["type"], "invalid_request_error")

    def test_keys(self):
        for headers, expected in [(["Authorization:"], 401), (["Authorization: Bearer WRONG"], 401),
                                  (["Authorization:", f"x-api-key: {KEY}"], 200)]:
            options = [part for header in headers for part in ("--header", header)]
            output = subprocess.run(["curl", "--silent", "--write-out", "%{http_code}", "--output", "/dev/null", *options,
                                     self.server.url + "/v1/models"], check=True, capture_output=True, text=True).stdout
            self.assertEqual(int(output), expected, headers)


class Exact(ServedTest):
    """One input in a batch of its own, as in a run of `e5v embed` with one item: the numbers are equal to the bit."""

    def forms_of(self, item, inputs):
        """The vector of an item in each form in which the server answers, as bytes."""
        url = self.server.url
        yield "float", float_bytes(self.ask("/v1/embeddings", {"input": inputs})["data"][0]["embedding"])
        answer = self.ask("/v1/embeddings", {"input": inputs, "encoding_format": "base64"})
        yield "base64", base64.b64decode(answer["data"][0]["embedding"])
        for form in ["bytes", "bytes_only"]:
            yield form, curl(url + "/v1/embeddings", {"input": inputs, "encoding_format": form})[2]
        yield "own", float_bytes(self.ask("/v1/embed", {"items": [item]})["data"][0]["embedding"])
        answer = self.ask("/v1/embed", {"items": [item], "encoding": "base64"})
        yield "own base64", base64.b64decode(answer["data"][0]["embedding"])
        lines = curl(url + "/v1/embed", {"items": [item], "stream": True})[2].decode().splitlines()
        self.assertTrue(json.loads(lines[1])["done"])
        yield "JSON Lines", float_bytes(json.loads(lines[0])["embedding"])

    def test_each_form_has_the_bits_of_embed(self):
        for item in [{"text": "a cat"}, {"image": IMAGE}, {"image": IMAGE, "text": "but red"}]:
            expected = float_bytes(embedded([item])[0])
            sent = item | ({"image": ADDRESS} if "image" in item else {})
            for form, found in self.forms_of(sent, [sent]):
                with self.subTest(form=form, item=list(item)):
                    self.assertEqual(found, expected)

    def test_many_items_are_equal_up_to_rounding(self):
        texts = [f"a photo of {i} cats" + " and a dog" * (i % 7) for i in range(64)]
        expected = embedded([{"text": text} for text in texts])
        answer = self.ask("/v1/embeddings", {"input": texts, "encoding_format": "base64"})
        for entry, vector in zip(answer["data"], expected, strict=True):
            self.assert_vector(floats(base64.b64decode(entry["embedding"])), vector)


del ServedTest  # it has no tests of its own

if __name__ == "__main__":
    unittest.main()
