#!/usr/bin/env python3
"""Makes tests/golden/adapter: a LoRA over tower, projector and language model with PEFT's vectors, and the names that PEFT
gives to an adapter of the language model.

    pip install torch transformers peft "pillow<13"   # made with torch 2.15.0, transformers 5.24.0, peft 0.21.2
    tools/make_adapter_goldens.py tests/golden

The matrices are random, of rank 2, for tests/golden/ckpt/tiny-small-f32. The vectors are float32 arithmetic: the last
hidden state, after the final norm, of the last token, in transformers' own code from the file's pixels and characters on.
The images have no odd margins and are not tall, so that any Pillow resizes them alike.
"""
import argparse
import json
import pathlib

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (LlamaForCausalLM, LlavaNextForConditionalGeneration, LlavaNextImageProcessorPil,
                          LlavaNextProcessor, PreTrainedTokenizerFast)

CHAT = "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n"
TEXT_PROMPT = CHAT.format("<sent>\nSummary above sentence in one word: ")
IMAGE_PROMPT = CHAT.format("<image>\nSummary above image in one word: ")
TEXTS = ["A tabby cat sits on a wall.", "Two men play chess."]
IMAGES = ["img04_tiny_3x2.png", "img03_tiny_1x1.png"]
# All matrices of CLIP and the projector. q_proj, k_proj and v_proj are matrices of the language model, too.
EVERYWHERE = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2", "linear_1", "linear_2"]
# The target_modules that e5v train writes. For the language model alone they are a list of names.
TRAINED = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
PATTERN = r".*language_model\..*\.(" + "|".join(TRAINED) + ")"


def llava(checkpoint):
    return LlavaNextForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32,
                                                             attn_implementation="eager").eval()


def processor_of(checkpoint):
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(checkpoint / "tokenizer.json"))
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    return LlavaNextProcessor(LlavaNextImageProcessorPil.from_pretrained(checkpoint), tokenizer, patch_size=14,
                              vision_feature_select_strategy="default", num_additional_image_tokens=1)


def vector(model, processor, prompt, image=None):
    inputs = processor(text=prompt, images=None if image is None else Image.open(image), return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        return model(**inputs, output_hidden_states=True).hidden_states[-1][0, -1].clone()


def write_everywhere(goldens, checkpoint):
    folder = goldens / "adapter" / "everywhere"
    config = LoraConfig(r=2, lora_alpha=4, target_modules=EVERYWHERE, init_lora_weights=False)
    model = get_peft_model(llava(checkpoint), config)
    random = torch.Generator().manual_seed(29)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if "lora_" in name:
                weight.copy_(torch.randn(weight.shape, generator=random) * 0.5 / weight.shape[1] ** 0.5)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config.update(base_model_name_or_path="", init_lora_weights=True, target_modules=sorted(EVERYWHERE))
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    model = PeftModel.from_pretrained(llava(checkpoint), folder).eval()
    processor = processor_of(checkpoint)
    save_file({"texts": torch.stack([vector(model, processor, TEXT_PROMPT.replace("<sent>", t)) for t in TEXTS]),
               "images": torch.stack([vector(model, processor, IMAGE_PROMPT, goldens / "images" / i) for i in IMAGES])},
              goldens / "adapter" / "everywhere_vectors.safetensors")


def written_by_peft(model, targets, task, folder):
    get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type=task)).save_pretrained(folder)
    tensors = load_file(folder / "adapter_model.safetensors")
    config = json.loads((folder / "adapter_config.json").read_text())
    return {"task_type": config["task_type"], "auto_mapping": config["auto_mapping"], "target_modules": targets,
            "tensors": {name: list(tensors[name].shape) for name in sorted(tensors)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goldens", type=pathlib.Path, help="the folder with ckpt/ and images/; adapter/ is written")
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp/adapter_goldens"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = args.goldens / "ckpt" / "tiny-small-f32"
    write_everywhere(args.goldens, checkpoint)
    names = {"transformers": transformers.__version__,
             "llava_next": written_by_peft(llava(checkpoint), PATTERN, None, args.scratch),
             "causal_lm": written_by_peft(LlamaForCausalLM(llava(checkpoint).config.text_config), TRAINED, "CAUSAL_LM",
                                          args.scratch)}
    (args.goldens / "adapter" / "names.json").write_text(json.dumps(names, indent=1) + "\n")


if __name__ == "__main__":
    main()
