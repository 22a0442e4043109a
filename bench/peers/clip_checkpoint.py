"""Writes a CLIP checkpoint with random weights in the shape of openai/clip-vit-base-patch32.

Its tokenizer is trained on the captions of inputs.py, so that a caption has as many tokens as with CLIP's own
vocabulary: about one for each word. The rules around the vocabulary are those of the given tokenizer.json file.
"""

import argparse
import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, trainers
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizerFast


import inputs

START, END = "<|startoftext|>", "<|endoftext|>"


def trained(tokenizer_file, output):
    """Writes the tokenizer of the file `tokenizer_file` with a vocabulary of words."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.train_from_iterator(inputs.varied_captions(5000), trainers.BpeTrainer(
        vocab_size=2000, end_of_word_suffix="</w>", show_progress=False))
    trained_model = json.loads(tokenizer.to_str())["model"]
    whole = json.loads(Path(tokenizer_file).read_text())
    vocabulary = trained_model["vocab"]
    for token in (START, END):
        vocabulary[token] = len(vocabulary)
    whole["model"].update(vocab=vocabulary, merges=trained_model["merges"])
    for added in whole["added_tokens"]:
        added["id"] = vocabulary[added["content"]]
    whole["post_processor"].update(cls=[START, vocabulary[START]], sep=[END, vocabulary[END]])
    output.write_text(json.dumps(whole))


def write(folder, tokenizer_file, dtype):
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    trained(tokenizer_file, folder / "tokenizer.json")
    tokenizer = CLIPTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), model_max_length=77)
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    config = CLIPConfig(text_config={"vocab_size": len(tokenizer), "eos_token_id": end, "bos_token_id": end - 1,
                                     "pad_token_id": end})
    model = CLIPModel(config).to(dtype)
    model.save_pretrained(folder)
    CLIPProcessor(CLIPImageProcessor(), tokenizer).save_pretrained(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path, default="tests/golden/ckpt/tiny-clip/tokenizer.json")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    arguments = parser.parse_args()
    write(arguments.folder, arguments.tokenizer, getattr(torch, arguments.dtype))
