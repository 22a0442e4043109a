"""Writes the language model of a checkpoint folder as a GGUF file for llama.cpp, in its own quantised types."""

import json
from pathlib import Path

import gguf
import numpy as np

# llama.cpp makes a token with this name a control token, and its Python package reads control tokens in texts as plain
# characters. So the GGUF file has another name for it, which prompts must use.
END_OF_TURN = ("<|eot_id|>", "<|end_of_turn_of_e5v|>")

NAMES = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}


def tensors(folder):
    """(name, f32 array) of all bf16 tensors of the language model, with names without the model's prefix."""
    for path in sorted(Path(folder).glob("*.safetensors")):
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        data = np.memmap(path, np.uint8, "r", offset=8 + length)
        for name, entry in header.items():
            if not name.startswith("language_model.model."):
                continue
            if entry["dtype"] != "BF16":
                raise SystemExit(f"{name} is {entry['dtype']}, expected BF16")
            begin, end = entry["data_offsets"]
            bits = data[begin:end].view(np.uint16).astype(np.uint32) << 16
            yield name.removeprefix("language_model.model."), bits.view(np.float32).reshape(entry["shape"])


def interleave(weight, heads):
    """Reorders rows from the order of rotate_half to that of adjacent pairs, in which llama.cpp rotates Llama's heads."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def add_tokenizer(writer, folder, size):
    """The BPE tokenizer of tokenizer.json with the rules of Llama 3, and as pooling the last token."""
    whole = json.loads((Path(folder) / "tokenizer.json").read_text())
    tokens, kinds = [f"[unused{i}]" for i in range(size)], [gguf.TokenType.UNUSED] * size
    for token, i in whole["model"]["vocab"].items():
        tokens[i], kinds[i] = token, gguf.TokenType.NORMAL
    for added in whole["added_tokens"]:
        tokens[added["id"]], kinds[added["id"]] = added["content"].replace(*END_OF_TURN), gguf.TokenType.USER_DEFINED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in whole["model"]["merges"]])
    writer.add_bos_token_id(tokens.index("<|begin_of_text|>"))
    writer.add_eos_token_id(tokens.index(END_OF_TURN[1]))
    writer.add_pooling_type(gguf.PoolingType.LAST)


def write(folder, output, kind, with_tokenizer=False):
    """kind: BF16, Q8_0 or Q4_0, for the matrices of the blocks."""
    config = json.loads((Path(folder) / "config.json").read_text())["text_config"]
    quantised = gguf.GGMLQuantizationType[kind]
    writer = gguf.GGUFWriter(str(output), "llama", use_temp_file=True)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])
    if with_tokenizer:
        add_tokenizer(writer, folder, config["vocab_size"])
    else:
        writer.add_tokenizer_model("none")
    for name, array in tensors(folder):
        if name == "embed_tokens.weight":
            writer.add_tensor("token_embd.weight", gguf.quantize(array, gguf.GGMLQuantizationType.BF16),
                              raw_dtype=gguf.GGMLQuantizationType.BF16)
        elif name == "norm.weight":
            writer.add_tensor("output_norm.weight", array)
        else:
            _, layer, rest = name.split(".", 2)
            part = rest.removesuffix(".weight")
            target = f"blk.{layer}.{NAMES[part]}.weight"
            if array.ndim == 1:
                writer.add_tensor(target, array)
                continue
            if part.endswith("q_proj"):
                array = interleave(array, config["num_attention_heads"])
            if part.endswith("k_proj"):
                array = interleave(array, config["num_key_value_heads"])
            writer.add_tensor(target, gguf.quantize(np.ascontiguousarray(array), quantised), raw_dtype=quantised)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
