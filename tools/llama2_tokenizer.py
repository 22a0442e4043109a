#!/usr/bin/env python3
"""Turns the vocabulary of a GGUF file like that of Llama 2 into a Hugging Face tokenizer.json.

    tools/llama2_tokenizer.py ggml-vocab-llama-spm.gguf llama2-tokenizer.json

Such a file is a SentencePiece BPE model: tokens, scores and types, no merges. The result is that of
transformers' LlamaConverter for the same model: BPE with byte fallback. Its merges are all splits of a token into two
tokens. The merge with the highest score comes first; of the splits of one token, that with the longest left part.

llama.cpp's own vocabulary of Llama 2 comes with the sources of its Python binding, together with the strings and ids that
the test compares with:

    pip install scikit-build-core
    pip download --no-deps --no-binary :all: --no-build-isolation llama-cpp-python==0.2.90
    tar xzf llama_cpp_python-0.2.90.tar.gz --wildcards '*/ggml-vocab-llama-spm.gguf*'
    tools/llama2_tokenizer.py llama_cpp_python-0.2.90/vendor/llama.cpp/models/ggml-vocab-llama-spm.gguf llama2.json
    make test-extended E5V_LLAMA2_TOKENIZER=llama2.json

Needs Python 3.9 and its standard library.
"""
import json
import struct
import sys

UNKNOWN, CONTROL, USER_DEFINED = 2, 3, 4  # token types; 1 is a plain token, 6 a byte
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Gguf:
    """The key-value part of a GGUF file, version 2 or 3, little-endian."""

    def __init__(self, content):
        self.content, self.at = content, 0
        if self.take(4) != b"GGUF":
            sys.exit("not a GGUF file")
        version, _, pairs = self.scalars("I")[0], self.scalars("Q"), self.scalars("Q")[0]
        if version not in (2, 3):
            sys.exit(f"GGUF version {version}; 2 and 3 are known")
        self.values = {}
        for _ in range(pairs):
            key = self.string()
            self.values[key] = self.value(self.scalars("I")[0])

    def take(self, size):
        self.at += size
        if self.at > len(self.content):
            sys.exit("the GGUF file ends early")
        return self.content[self.at - size:self.at]

    def scalars(self, code, count=1):
        layout = f"<{count}{code}"
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def string(self):
        return self.take(self.scalars("Q")[0]).decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            return self.scalars(SCALARS[kind])[0]
        (kind,), (count,) = self.scalars("I"), self.scalars("Q")
        return [self.string() for _ in range(count)] if kind == STRING else list(self.scalars(SCALARS[kind], count))


def merges_of(vocabulary, scores):
    """All splits of a token into two tokens, in transformers' order (convert_slow_tokenizer.py, generate_merges)."""
    merges = []
    for token, score in scores.items():
        splits = [(token[:i], token[i:]) for i in range(1, len(token))]
        known = [(left, right) for left, right in splits if left in vocabulary and right in vocabulary]
        merges += [(score, left, right) for left, right in sorted(known, key=lambda p: (vocabulary[p[0]], vocabulary[p[1]]))]
    merges.sort(key=lambda merge: (merge[0], len(merge[1]), len(merge[2])), reverse=True)
    return [f"{left} {right}" for _, left, right in merges]


def template(begin, begin_id):
    def one(name, kind):
        return [{"SpecialToken": {"id": begin, "type_id": kind}}, {"Sequence": {"id": name, "type_id": kind}}]
    return {"type": "TemplateProcessing", "single": one("A", 0), "pair": one("A", 0) + one("B", 1),
            "special_tokens": {begin: {"id": begin, "ids": [begin_id], "tokens": [begin]}}}


def convert(values):
    if values.get("tokenizer.ggml.model") != "llama":
        sys.exit(f"tokenizer.ggml.model is {values.get('tokenizer.ggml.model')}, expected llama")
    tokens, types = values["tokenizer.ggml.tokens"], values["tokenizer.ggml.token_type"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens):
        sys.exit("a token appears twice")
    begin_id = values["tokenizer.ggml.bos_token_id"]
    added = [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": types[i] != USER_DEFINED}
             for i, token in enumerate(tokens) if types[i] in (UNKNOWN, CONTROL, USER_DEFINED)]
    space = {"String": " "}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": space, "content": "▁"}]},
        "pre_tokenizer": None,
        "post_processor": template(tokens[begin_id], begin_id),
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": tokens[values["tokenizer.ggml.unknown_token_id"]],
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
                  "byte_fallback": True, "vocab": vocabulary,
                  "merges": merges_of(vocabulary, dict(zip(tokens, values["tokenizer.ggml.scores"])))},
    }


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: llama2_tokenizer.py VOCABULARY.gguf TOKENIZER.json")
    with open(sys.argv[1], "rb") as source:
        tokenizer = convert(Gguf(source.read()).values)
    with open(sys.argv[2], "w", encoding="utf-8") as target:
        json.dump(tokenizer, target, ensure_ascii=False, indent=1)
    print(f"{len(tokenizer['model']['vocab'])} tokens, {len(tokenizer['model']['merges'])} merges", file=sys.stderr)


if __name__ == "__main__":
    main()
