#!/usr/bin/env python3
"""Writes reference_cases.json: small tokenizer.json files with what Hugging Face's own library makes of some texts.

    pip install tokenizers==0.19.1
    ./make_reference_cases.py > reference_cases.json
"""
import json
import random

from tokenizers import Tokenizer

ALPHABET = " abcABCé_1.\n▁▂x,$Ġ"
MERGES = ["a b", "▁ a", "ab c", "▁a b", "b c", "▁ ▁", "A B", "c a", "Ġ a"]
ADDED = [("[A]", {}), ("[B]", {"lstrip": True}), ("[C]", {"rstrip": True}), ("[D]", {"single_word": True, "special": True}),
         ("ab", {"single_word": True}), ("<image>", {"normalized": True}), ("A B", {"normalized": True, "lstrip": True}),
         ("abc abc", {})]
TEXTS = ["", " ", "a", "abc abcab", " ab  c\n", "[A]ab [B] ab[C]  x", "a [D] b[D]c [D]", "xab ab,ab_ abc abc", "A B  A B",
         "<image>\nab <image>", "caa 1.1, $x", "é\u00a0ab\u3000\u2028b", "a\u180eb\ufeffc\u0085 ", "▁ab▁▁▂ Ġa", "<unk>🦙x", "1²Ⅷ٣ 12"]


def tokenizer(byte_tokens=(), model=None, added=(), **parts):
    vocab = {"<unk>": 0}
    for token in [*ALPHABET, *(pair.replace(" ", "") for pair in MERGES), *(f"<0x{byte:02X}>" for byte in byte_tokens)]:
        vocab.setdefault(token, len(vocab))
    next_id = len(vocab)
    tokens = []
    for content, flags in added:
        known = content in vocab
        tokens.append({"id": vocab[content] if known else next_id, "content": content, "single_word": False, "lstrip": False,
                       "rstrip": False, "normalized": False, "special": False, **flags})
        next_id += not known
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": None,
            "pre_tokenizer": None, "post_processor": None, "decoder": None, **parts,
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": vocab, "merges": MERGES, **(model or {})}}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def metaspace(scheme, cut=True):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cut}


def byte_level(prefix, regex):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "use_regex": regex, "trim_offsets": True}


def sequence(key, *parts):
    return {"type": "Sequence", key: list(parts)}


def cases():
    llama_normalizer = sequence("normalizers", {"type": "Prepend", "prepend": "▁"},
                                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"})
    llama_decoder = sequence("decoders", {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                             {"type": "ByteFallback"}, {"type": "Fuse"},
                             {"type": "Strip", "content": " ", "start": 1, "stop": 0})
    strip = {"type": "Strip", "strip_left": True, "strip_right": False}
    yield "added tokens", tokenizer(added=ADDED)
    yield "added tokens, all stripping", tokenizer(added=[(c, {**f, "lstrip": True, "rstrip": True}) for c, f in ADDED])
    yield "byte fallback", tokenizer(byte_tokens=range(256), model={"byte_fallback": True, "fuse_unk": True},
                                     normalizer=llama_normalizer, decoder=llama_decoder, added=[("[A]", {"special": True})])
    yield "some byte tokens", tokenizer(byte_tokens=[0xC3, 0xE2, 0x96], model={"byte_fallback": True, "fuse_unk": True})
    for name, normalizer in (("prepend", llama_normalizer), ("lowercase", {"type": "Lowercase"}), ("strip", strip)):
        for normalized in (False, True):
            yield f"{name}, normalized {normalized}", tokenizer(
                normalizer=normalizer, pre_tokenizer=metaspace("first"),
                added=[(c, {**f, "normalized": normalized}) for c, f in ADDED])
    for behavior in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        yield f"split {behavior}", tokenizer(pre_tokenizer=split(r"[ab]|\s", behavior))
        yield f"split {behavior} inverted", tokenizer(pre_tokenizer=split("a", behavior, True, "String"))
    for pattern in (r"\s+$", r"^\w", r"\w+", r"[\w.]+", r"\W", r"\h", r"a*", r"(?<=b)", r"(?i:AB|é)", r"[[:alpha:]]+", r"[^\S\n]+"):
        yield f"regex {pattern}", tokenizer(pre_tokenizer=split(pattern))
    for scheme in ("always", "first", "never"):
        yield f"metaspace {scheme}", tokenizer(pre_tokenizer=metaspace(scheme), decoder=metaspace(scheme),
                                               added=[("[A]", {})])
        parts = sequence("pretokenizers", {"type": "WhitespaceSplit"}, metaspace(scheme, False))
        yield f"whitespace split, metaspace {scheme}", tokenizer(pre_tokenizer=parts, decoder=metaspace(scheme, False))
    for kind in ("Whitespace", "WhitespaceSplit", "Punctuation"):
        yield kind, tokenizer(pre_tokenizer={"type": kind})
    for individual in (True, False):
        yield f"digits, individual {individual}", tokenizer(pre_tokenizer={"type": "Digits", "individual_digits": individual})
    for prefix, regex in ((True, True), (False, True), (True, False)):
        part = byte_level(prefix, regex)
        yield f"byte level, prefix {prefix}, regex {regex}", tokenizer(pre_tokenizer=part, decoder=part)
    yield "fused unknowns", tokenizer(model={"fuse_unk": True})
    yield "no unknown token", tokenizer(model={"unk_token": None})
    yield "merges ignored", tokenizer(model={"ignore_merges": True, "vocab": {"<unk>": 0, "a": 1, "b": 2, "c": 3, "abc": 4}, "merges": []},
                                      pre_tokenizer=split(" ", "Removed"))
    template = {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                           {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [3, 4], "tokens": ["b", "c"]},
                                   "</s>": {"id": "</s>", "ids": [5], "tokens": ["A"]}}}
    yield "template", tokenizer(post_processor=sequence("processors", byte_level(True, True), template))
    yield "regex decoder", tokenizer(decoder=sequence("decoders", {"type": "Strip", "content": "a", "start": 2, "stop": 0},
                                                      {"type": "Replace", "pattern": {"Regex": "b+"}, "content": "Q"}))


def main():
    rng = random.Random(1)
    lines = []
    for name, description in cases():
        reference = Tokenizer.from_str(json.dumps(description))
        texts = TEXTS + ["".join(rng.choice("abcAB ▁1_.é\n[D]") for _ in range(20)) for _ in range(4)]
        ids = [reference.encode(text).ids for text in texts]
        decoded = [reference.decode(each, skip_special_tokens=True) for each in ids]
        encoded = [list(row) for row in zip(texts, ids, decoded)]
        lines.append(json.dumps({"name": name, "tokenizer": description, "text_ids_decoded": encoded}, ensure_ascii=False))
    print("[" + ",\n".join(lines) + "]")


if __name__ == "__main__":
    main()
