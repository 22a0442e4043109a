#!/usr/bin/env python3
"""Makes the goldens of a LLaVA-NeXT with a Mistral backbone: tests/golden/ckpt/tiny-mistral and embed/mistral_tiny.*

    pip install torch transformers "pillow<13"   # made with torch 2.15.0, transformers 5.23.0
                                                 # (vectors: 5.24.0), Pillow 12.3.0
    tools/make_mistral_golden.py tests/golden --tokenizer MISTRAL/tokenizer.json
    tools/make_mistral_golden.py tests/golden    # only the vectors, with the existing checkpoint

MISTRAL/tokenizer.json is Mistral 7B v0.1's (Apache-2.0), of which the bytes, the first tokens and their characters are
kept. The weights are random, rounded to bfloat16; the vectors are float32 arithmetic with these weights: the last hidden
state, after the final norm, of the last token, in transformers' own code from the file's pixels and characters on.

Pillow 13 resizes tall images vertically first, which changes roundings of pixels; and transformers 5 lays transparent
images on white, while earlier ones drop the alpha channel. So this needs an earlier Pillow and only opaque images.
"""
import argparse
import json
import pathlib

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (CLIPVisionConfig, LlavaNextConfig, LlavaNextForConditionalGeneration,
                          LlavaNextImageProcessorPil, LlavaNextProcessor, MistralConfig, PreTrainedTokenizerFast)
import transformers

GRID = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
TEXT_PROMPT = "[INST] <sent>\nSummary above sentence in one word: [/INST]"
IMAGE_PROMPT = "[INST] <image>\nSummary above image in one word: [/INST]"
COMPOSED_PROMPT = "[INST] <image>Modify this image with \"<sent>\", desribe modified image in one word: [/INST]"
TEXTS = ["A dog runs on the beach.", "  Two  men\tplay chess;\n\nnobody watches ", "Ein Käse für 3,50 €, 日本語 and 🦜 <s>",
         "The committee that had met every Tuesday since 1987 could not agree on the colour of its own letterhead. " * 4]
IMAGES = ["img04_tiny_3x2.png", "img05_gray_337x500.png", "img17_rgb_335x1009.png"]
COMPOSED = [("img03_tiny_1x1.png", "make it blue")]


def cut_tokenizer(whole, learnt):
    """Keeps the special tokens, the bytes, the first `learnt` merged tokens and their characters, renumbered in order."""
    model = whole["model"]
    by_id = sorted(model["vocab"], key=model["vocab"].get)
    kept = by_id[:3 + 256 + learnt]
    characters = {c for token in kept[3 + 256:] for c in token}
    kept += [token for token in by_id[len(kept):] if token in characters]
    model["vocab"] = {token: i for i, token in enumerate(kept)}
    model["merges"] = [merge for merge in model["merges"]
                       if all(part in model["vocab"] for part in [*merge.split(" "), merge.replace(" ", "")])]
    whole["added_tokens"].append(dict(whole["added_tokens"][0], id=len(kept), content="<image>"))
    return whole


def make_config(vocabulary, args):
    rope = {"rope_type": "default", "rope_theta": 1e6}
    text = MistralConfig(vocab_size=vocabulary, hidden_size=args.width, intermediate_size=args.mlp_width,
                         num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5,
                         max_position_embeddings=32768, rope_parameters=rope, sliding_window=None,
                         bos_token_id=1, eos_token_id=2)
    vision = CLIPVisionConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                              image_size=336, patch_size=14, projection_dim=32)
    return LlavaNextConfig(text_config=text, vision_config=vision, image_token_id=vocabulary - 1,
                           image_grid_pinpoints=GRID, vision_feature_layer=-2, tie_word_embeddings=False)


def randomise(model, seed):
    """Norms near one, biases small, matrices of unit gain; every value one of bfloat16."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=random)
            if "norm" in name and name.endswith("weight"):
                noise = 1 + 0.1 * noise
            elif weight.dim() == 1:
                noise *= 0.1
            elif "embed" not in name or "patch" in name:
                noise *= 1.5 / weight[0].numel() ** 0.5
            weight.copy_(noise.bfloat16().float())


def write_checkpoint(folder, args):
    folder.mkdir(parents=True, exist_ok=True)
    whole = json.loads(args.tokenizer.read_text())
    cut = cut_tokenizer(whole, args.learnt)
    (folder / "tokenizer.json").write_text(json.dumps(cut, ensure_ascii=False, separators=(",", ":")) + "\n")
    model = LlavaNextForConditionalGeneration._from_config(make_config(len(cut["model"]["vocab"]) + 1, args),
                                                           attn_implementation="eager").float().eval()
    randomise(model, args.seed)
    # In memory the names are model.language_model.* and model.vision_tower.*. By default save_pretrained writes older
    # names, which tiny-small has.
    model.to(getattr(torch, args.dtype)).save_pretrained(folder, save_original_format=args.older_names)
    make_processor(folder).image_processor.save_pretrained(folder)


def make_processor(folder):
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), bos_token="<s>", eos_token="</s>",
                                        unk_token="<unk>", pad_token="<unk>")
    images = LlavaNextImageProcessorPil(image_grid_pinpoints=GRID, size={"shortest_edge": 336},
                                        crop_size={"height": 336, "width": 336})
    return LlavaNextProcessor(images, tokenizer, patch_size=14, vision_feature_select_strategy="default",
                              num_additional_image_tokens=1)


class Reference:
    def __init__(self, folder, processor):
        self.model = LlavaNextForConditionalGeneration.from_pretrained(folder, dtype=torch.float32,
                                                                       attn_implementation="eager").eval()
        self.processor = processor
        self.lengths = []

    def vector(self, prompt, image=None):
        inputs = self.processor(text=prompt, images=None if image is None else Image.open(image), return_tensors="pt")
        self.lengths.append(inputs["input_ids"].shape[1])
        inputs.pop("token_type_ids", None)
        with torch.no_grad():
            return self.model(**inputs, output_hidden_states=True).hidden_states[-1][0, -1].clone()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goldens", type=pathlib.Path, help="the folder with images/; ckpt/ and embed/ are written")
    parser.add_argument("--tokenizer", type=pathlib.Path, help="make the checkpoint, too, with a part of this one")
    parser.add_argument("--images", type=pathlib.Path, help="another folder of images")
    parser.add_argument("--name", default="tiny-mistral")
    parser.add_argument("--learnt", type=int, default=100, help="merged tokens to keep")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--mlp-width", type=int, default=96)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--older-names", action="store_true", help="save as save_pretrained does by itself")
    parser.add_argument("--seed", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    images = args.images or args.goldens / "images"
    folder = args.goldens / "ckpt" / args.name
    if args.tokenizer:
        write_checkpoint(folder, args)
    reference = Reference(folder, make_processor(folder))
    vectors = {
        "texts": torch.stack([reference.vector(TEXT_PROMPT.replace("<sent>", text)) for text in TEXTS]),
        "images": torch.stack([reference.vector(IMAGE_PROMPT, images / image) for image in IMAGES]),
        "composed": torch.stack([reference.vector(COMPOSED_PROMPT.replace("<sent>", text), images / image)
                                 for image, text in COMPOSED]),
    }
    (args.goldens / "embed").mkdir(exist_ok=True)
    save_file(vectors, args.goldens / "embed" / "mistral_tiny.safetensors")
    facts = {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0], "texts": TEXTS,
             "images": IMAGES, "composed": [{"image": image, "text": text} for image, text in COMPOSED],
             "lengths": reference.lengths}
    (args.goldens / "embed" / "mistral_tiny.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
    for name, weight in load_file(folder / "model.safetensors").items():
        print(f"{name} {list(weight.shape)} {weight.dtype}")


if __name__ == "__main__":
    main()
