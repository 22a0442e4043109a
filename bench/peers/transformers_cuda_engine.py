"""Hugging Face transformers on a GPU as one engine of a comparison, run as in the README of E5-V, and in a leaner way."""

import time

import torch
from PIL import Image
from transformers import (LlavaNextForConditionalGeneration, LlavaNextImageProcessor, LlavaNextProcessor,
                          PreTrainedTokenizerFast)
from transformers.utils import is_flash_attn_2_available

import inputs


def attentions(device):
    """The implementations of attention that can run there."""
    return ["sdpa", "flash_attention_2"] if device != "cpu" and is_flash_attn_2_available() else ["sdpa"]


class TransformersCuda:
    """Every measurement returns vectors [len(items), width] on the CPU and seconds."""

    def __init__(self, model, dtype, device):
        self.device, self.dtype = device, {"bf16": torch.bfloat16, "f32": torch.float32}[dtype]
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"), padding_side="left",
                                            bos_token="<|begin_of_text|>", pad_token="<|end_of_text|>")
        begin = time.perf_counter()
        self.model = LlavaNextForConditionalGeneration.from_pretrained(
            model, dtype=self.dtype, attn_implementation="sdpa", device_map=device).eval()
        self.wait()
        self.load_seconds = time.perf_counter() - begin
        self.processor = LlavaNextProcessor(
            LlavaNextImageProcessor.from_pretrained(model), tokenizer, num_additional_image_tokens=1,
            patch_size=self.model.config.vision_config.patch_size,
            vision_feature_select_strategy=self.model.config.vision_feature_select_strategy)

    def wait(self):
        if self.device != "cpu":
            torch.cuda.synchronize()

    def prepare(self, items, resize_on="cpu"):
        """A batch on the device, from texts or image files; `resize_on` is where images are resized."""
        if "text" in items[0]:
            prompts = [inputs.TEXT_PROMPT.replace("<sent>", item["text"]) for item in items]
            batch = self.processor(text=prompts, return_tensors="pt", padding=True)
        else:
            photos = [Image.open(item["image"]) for item in items]
            batch = self.processor(text=[inputs.IMAGE_PROMPT] * len(items), images=photos, return_tensors="pt",
                                   padding=True, device=resize_on)
        batch = batch.to(self.device)
        if "pixel_values" in batch:
            batch["pixel_values"] = batch["pixel_values"].to(self.dtype)
        return batch

    def embed(self, batch, lean=False):
        """The vectors of a batch, on the device. The README's way also gets logits, keys and values, and the hidden
        states of all layers; the lean way computes only the vectors."""
        with torch.inference_mode():
            if lean:
                last = self.model.model(**batch, use_cache=False).last_hidden_state[:, -1]
            else:
                last = self.model(**batch, output_hidden_states=True, return_dict=True).hidden_states[-1][:, -1]
            return torch.nn.functional.normalize(last.float(), dim=-1)

    def end_to_end(self, items, size, resize_on="cpu"):
        """From texts or files to vectors in the CPU's memory, `size` items at a time."""
        self.wait()
        begin = time.perf_counter()
        vectors = [self.embed(self.prepare(items[i:i + size], resize_on)).cpu() for i in range(0, len(items), size)]
        return torch.cat(vectors).numpy(), time.perf_counter() - begin

    def model_only(self, items, size, lean=False):
        """The model alone. Its inputs are on the device before the clock starts."""
        batches = [self.prepare(items[i:i + size]) for i in range(0, len(items), size)]
        self.wait()
        begin = time.perf_counter()
        vectors = [self.embed(batch, lean) for batch in batches]
        self.wait()
        seconds = time.perf_counter() - begin
        return torch.cat(vectors).cpu().numpy(), seconds

    def tokens(self, items, size):
        """The tokens of all items, and the additional tokens of padding."""
        batches = [self.prepare(items[i:i + size]) for i in range(0, len(items), size)]
        return (sum(int(batch["attention_mask"].sum()) for batch in batches),
                sum(batch["attention_mask"].numel() for batch in batches))

    def rest(self):
        """Releases memory that the allocator keeps, for other processes."""
        if self.device != "cpu":
            torch.cuda.empty_cache()
