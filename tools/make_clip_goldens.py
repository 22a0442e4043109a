#!/usr/bin/env python3
"""Makes the goldens of CLIP: tests/golden/ckpt/tiny-clip, ckpt/tiny-clip-336, and tests/golden/clip.

    pip install torch transformers "pillow<13"   # made with torch 2.15.0, transformers 5.24.0, Pillow 12.3.0
    tools/make_clip_goldens.py tests/golden

Two random CLIPModels with weights rounded to bfloat16 (tiny-clip) and float16 (tiny-clip-336), computed in float32.
They differ in the same points as released checkpoints: size and patch, quick_gelu and gelu, the eos_token_id of 2 that
OpenAI's configs have (the text ends at its highest id) and a true one, the spelling of tokenizer.json.
The tokenizer is one of CLIP's kind, learnt from the sentences below. Vectors are those before normalisation.

CLIPImageProcessorPil prepares the images, because OpenAI's own preprocessing uses Pillow, too. All images are opaque,
because transformers from 5.21 on lays transparent ones on white.
"""
import argparse
import json
import pathlib
import zlib

import tokenizers
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from tokenizers import models, normalizers, pre_tokenizers, trainers
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
LEARNT = ["a photo of a cat and a dog on the beach", "the man with the red hat is riding a brown horse",
          "two children are playing with a ball in the green park while their mother is reading",
          "an old woman sits at a table and drinks coffee from a white cup",
          "a group of people standing in front of a large building at night",
          "a close up of a plate of food with meat, rice and vegetables",
          "the train is coming into the station, people are waiting on the platform",
          "it's the dog's toy; they're here, we've been there, i'm in, you'll see, he'd know",
          "a rocket takes off into the dark sky above the water", "something that looks like another thing"]
TEXTS = ["a photo of a cat", "A Dog Running On The BEACH!", "", " ", "  two   children\tplaying \n\n in the park ",
         "it's what they're saying: we've won, i'm sure you'll see he'd've known 'tis", "don't STOP'S it'S",
         "3 dogs, 42 cats and 1999 horses for 12,50 €", "Ein Käse für die Straße", "e\u0301cole cafe\u0301 A\u030angstro\u0308m",
         "\u00e9cole caf\u00e9 \u00c5ngstr\u00f6m", "İSTANBUL ẞ ΑΣ ǅ ﬁ", "日本語 and 한국어 텍스트", "\u1112\u1161\u11ab\u1100\u1173\u11af",
         "🦜 emoji 👩‍👩‍👧 flags 🇩🇪", "\u00a0non\u2003breaking\u3000blanks\u200b", "a<|endoftext|>b", "<|startoftext|> twice <|ENDOFTEXT|>",
         "x" * 200, "!!! ... ??? ---", "under_score camelCase 'quoted' \"double\"", "١٢٣ ½ Ⅳ ²", "क्षत्रिय नमस्ते",
         "\u0958\u2126\u212b\ufb1d", "tab\tand\x01control\x7f", "a, b.c;d:e/f\\g|h", "cat</w> dog</w>", "ﷺ K \u212a",
         "the man with the red hat is riding a brown horse " * 6, "dog " * 75, "dog " * 76,
         "one two three, four five six: seven eight nine. " * 9]
IMAGES = ["img00_rgb_640x480.jpg", "img01_wide_1201x250.png", "img02_tall_200x901.jpg", "img03_tiny_1x1.png",
          "img04_tiny_3x2.png", "img05_gray_337x500.png", "img08_cmyk_350x260.jpg", "img11_square_672x672.png",
          "img12_rgb_333x517_prog444.jpg", "img13_1bit_500x500.png", "img15_rgb_336x336.png", "img17_rgb_335x1009.png",
          "img18_dark_90x60.png", "img19_gray_640x426.jpg"]


def learn_tokenizer(size):
    """Vocabulary and merges in CLIP's order: bytes, bytes at the end of words, merged tokens, start and end."""
    learner = tokenizers.Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner.train_from_iterator([word for line in LEARNT for word in line.split()],
                                trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet,
                                                    end_of_word_suffix="</w>", show_progress=False))
    merges = [tuple(merge) for merge in json.loads(learner.to_str())["model"]["merges"]]
    tokens = alphabet + [byte + "</w>" for byte in alphabet]
    tokens += [token for token in dict.fromkeys(a + b for a, b in merges) if token not in tokens]
    return {token: i for i, token in enumerate(tokens + [START, END])}, merges


def write_tokenizer(folder, vocabulary, merges, as_openai):
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)
    whole = json.loads(tokenizer.backend_tokenizer.to_str())
    if as_openai:  # in the spelling of OpenAI's checkpoints
        split = whole["pre_tokenizer"]["pretokenizers"][0]
        split["pattern"]["Regex"] = split["pattern"]["Regex"].removeprefix("<\\|startoftext\\|>|<\\|endoftext\\|>|")
        whole["model"]["merges"] = [" ".join(merge) for merge in whole["model"]["merges"]]
        whole["added_tokens"][0]["normalized"] = True
        for key in ("ignore_merges", "byte_fallback"):
            whole["model"].pop(key, None)
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n")
    return transformers.PreTrainedTokenizerFast(tokenizer_file=str(path), bos_token=START, eos_token=END,
                                                pad_token=END, unk_token=END, model_max_length=77)


def make_config(name, vocabulary):
    if name == "tiny-clip":
        text = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, eos_token_id=2)
        vision = dict(hidden_size=48, intermediate_size=96, num_hidden_layers=3, num_attention_heads=3, patch_size=16)
        return CLIPConfig(text_config=dict(text, vocab_size=vocabulary), vision_config=vision, projection_dim=40)
    text = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, hidden_act="gelu",
                eos_token_id=vocabulary - 1, layer_norm_eps=1e-3)
    vision = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=336,
                  patch_size=14, hidden_act="gelu", layer_norm_eps=1e-3)
    return CLIPConfig(text_config=dict(text, vocab_size=vocabulary), vision_config=vision, projection_dim=24)


def randomise(model, seed, dtype):
    """Norms near one, biases small, matrices of unit gain; every value one of the type that is stored."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=random)
            if "norm" in name and name.endswith("weight"):
                noise = 1 + 0.1 * noise
            elif weight.dim() <= 1:
                noise *= 0.1
            elif "embedding" not in name or "patch" in name:
                noise *= 1.5 / weight[0].numel() ** 0.5
            weight.copy_(noise.to(dtype).float())


def golden(goldens, name, dtype, seed, as_openai):
    folder = goldens / "ckpt" / name
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = learn_tokenizer(760)
    tokenizer = write_tokenizer(folder, vocabulary, merges, as_openai)
    config = make_config(name, len(vocabulary))
    model = CLIPModel._from_config(config, attn_implementation="eager").float().eval()
    randomise(model, seed, dtype)
    model.to(dtype).save_pretrained(folder)
    size = config.vision_config.image_size
    processor = CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
    processor.save_pretrained(folder)
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    with torch.no_grad():
        ids = [tokenizer(text, truncation=True)["input_ids"] for text in TEXTS]
        texts = torch.cat([model.get_text_features(torch.tensor([each])).pooler_output for each in ids])
        padded = tokenizer(TEXTS, truncation=True, padding=True, return_tensors="pt")
        together = model.get_text_features(padded["input_ids"], padded["attention_mask"]).pooler_output
        assert (texts - together).abs().max() < 1e-5, "padding must not matter"
        opened = [Image.open(goldens / "images" / image) for image in IMAGES]
        crops = [processor(image, do_rescale=False, do_normalize=False)["pixel_values"][0] for image in opened]
        images = torch.cat([model.get_image_features(processor(image, return_tensors="pt")["pixel_values"]).pooler_output
                            for image in opened])
    vectors = {"texts": texts.contiguous(), "texts_padded": together.contiguous(), "images": images.contiguous()}
    save_file(vectors, goldens / "clip" / f"{name}.safetensors")
    return {"ids": ids, "crops": [{"image": image, "crc32": zlib.crc32(crop.astype("uint8").tobytes())}
                                  for image, crop in zip(IMAGES, crops)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goldens", type=pathlib.Path, help="the folder with images/; ckpt/ and clip/ are written")
    goldens = parser.parse_args().goldens
    torch.set_num_threads(1)
    (goldens / "clip").mkdir(exist_ok=True)
    facts = {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0], "texts": TEXTS,
             "models": {"tiny-clip": golden(goldens, "tiny-clip", torch.bfloat16, 31, False),
                        "tiny-clip-336": golden(goldens, "tiny-clip-336", torch.float16, 32, True)}}
    (goldens / "clip" / "clip.json").write_text(json.dumps(facts, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
