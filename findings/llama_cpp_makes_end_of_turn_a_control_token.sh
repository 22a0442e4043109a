#!/usr/bin/env bash
# A GGUF file says the type of each token. llama.cpp replaces the type of a token that is named <|eot_id|> by CONTROL, also if the file
# says USER_DEFINED. llama-cpp-python reads texts for embeddings without control tokens (special=False). So this part of a prompt is read
# as plain characters, while <|start_header_id|>, which has the same type in the same file, stays one token. A prompt of Llama 3 that a
# client of /v1/embeddings writes out then has tokens that the model never saw in training. With another name, the token stays one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q llama-cpp-python==0.3.36 gguf==0.19.0
cd "$folder" && "$folder/venv/bin/python" - 2>log <<'PYTHON'
import gguf, llama_cpp, sys

print("llama-cpp-python", llama_cpp.__version__)
# Byte-level BPE without merges: one token for each byte, spelled as GPT-2 does.
printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
spelling, extra = {byte: chr(byte) for byte in printable}, 256
for byte in range(256):
    if byte not in spelling:
        spelling[byte], extra = chr(extra), extra + 1
NAMES = ["<|begin_of_text|>", "<|start_header_id|>"]


def tokens_of(end_of_turn):
    """The tokens of "hi" and the two special tokens, read by llama-cpp-python from a file in which both are USER_DEFINED."""
    tokens = [spelling[byte] for byte in range(256)] + NAMES + [end_of_turn]
    writer = gguf.GGUFWriter("vocabulary.gguf", "llama")
    for key, value in {"block_count": 1, "context_length": 512, "embedding_length": 32, "feed_forward_length": 32, "head_count": 1}.items():
        getattr(writer, "add_" + key)(value)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.USER_DEFINED] * 3)
    writer.add_token_merges(["h i"])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(258)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model = llama_cpp.Llama("vocabulary.gguf", vocab_only=True, verbose=False)
    return model.tokenize(("hi<|start_header_id|>" + end_of_turn).encode(), add_bos=False, special=False)


named, renamed = tokens_of("<|eot_id|>"), tokens_of("<|end_of_turn|>")
print("tokens with <|eot_id|>:     ", named)
print("tokens with <|end_of_turn|>:", renamed)
sys.exit(0 if renamed[-2:] == [257, 258] and 257 in named and 258 not in named else 1)
PYTHON
