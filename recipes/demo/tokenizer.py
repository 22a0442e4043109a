"""A byte-level BPE tokenizer in tokenizer.json form, learned from counts of words. Needs nothing but Python."""
import collections
import heapq
import json
import re

# GPT-2's pattern without its contractions and Unicode classes, which the texts of the recipe do not need.
PATTERN = re.compile(r" ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
SPECIALS = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image>"]
# Parts of every prompt of E5-V, one token each. So small a model should not spend its time on spelling them out.
PHRASES = ["<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n",
           "\nSummary above sentence", "\nSummary above image", " in one word: ", " in one word:", "Modify this image with \"",
           "\", desribe modified image", "\n Describe this image"]


def byte_letters():
    """The printable letter of each byte."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters, added = {}, 0
    for byte in range(256):
        letters[byte] = chr(byte) if byte in plain else chr(256 + added)
        added += byte not in plain
    return letters


def learn(counts, size):
    """Merges, most frequent first (ties: alphabetically), until the vocabulary has `size` pieces."""
    letters = byte_letters()
    words = [[letters[b] for b in word.encode()] for word in counts]
    weights = list(counts.values())
    pairs, places = collections.Counter(), collections.defaultdict(set)
    for index, word in enumerate(words):
        for pair in zip(word, word[1:]):
            pairs[pair] += weights[index]
            places[pair].add(index)
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    vocabulary, merges = [letters[b] for b in range(256)], []
    while len(vocabulary) < size and heap:
        count, pair = heapq.heappop(heap)
        if pairs[pair] != -count or count == 0:
            continue  # an older entry
        merged = pair[0] + pair[1]
        merges.append(f"{pair[0]} {pair[1]}")
        vocabulary.append(merged)
        changed = set()
        for index in sorted(places[pair]):
            word, weight = words[index], weights[index]
            for old in zip(word, word[1:]):
                pairs[old] -= weight
                changed.add(old)
            out, i = [], 0
            while i < len(word):
                together = i + 1 < len(word) and (word[i], word[i + 1]) == pair
                out.append(merged if together else word[i])
                i += 2 if together else 1
            words[index] = out
            for new in zip(out, out[1:]):
                pairs[new] += weight
                places[new].add(index)
                changed.add(new)
        for touched in changed:
            if pairs[touched] > 0:
                heapq.heappush(heap, (-pairs[touched], touched))
    return vocabulary, merges


def tokenizer_json(texts, size):
    """texts: pairs of a text and its weight. The vocabulary has `size` tokens: phrases and special ones come last."""
    counts = collections.Counter()
    for text, weight in texts:
        for word in PATTERN.findall(text.lower()):
            counts[word] += weight
    first = size - len(PHRASES) - len(SPECIALS)  # wherever learning ends, because config.json names the last ones
    vocabulary, merges = learn(dict(sorted(counts.items())), first)
    added = [{"id": first + i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": content in SPECIALS} for i, content in enumerate(PHRASES + SPECIALS)]
    begin = {"SpecialToken": {"id": SPECIALS[0], "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {
            "type": "TemplateProcessing", "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [begin, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {SPECIALS[0]: {"id": SPECIALS[0], "ids": [size - len(SPECIALS)], "tokens": [SPECIALS[0]]}}},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
                  "vocab": {piece: i for i, piece in enumerate(vocabulary)}, "merges": merges}}


def write(path, texts, size):
    """Writes the whole file, or none when it fails."""
    begun = path.with_suffix(".partial")
    begun.write_text(json.dumps(tokenizer_json(texts, size), ensure_ascii=False) + "\n", encoding="utf-8")
    begun.replace(path)
