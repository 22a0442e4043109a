#!/usr/bin/env python3
"""Changes each key of config.json and of the image processors' files, one at a time, and compares e5v with transformers.

    pip install torch transformers pillow   # last run with torch 2.15.0, transformers 5.24.0, Pillow 13.0.0
    tools/compare_config_fields.py build/release/e5v tests/golden

For each change it prints the effect on the reference's vectors (same, other, fails) and e5v's result (equal, refused).
The exit code is 1 when e5v computes other vectors than the reference without an error.
"""
import argparse
import json
import logging
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
from PIL import Image
from transformers import (AutoImageProcessor, AutoModel, CLIPModel, LlavaNextForConditionalGeneration,
                          PreTrainedTokenizerFast)
from transformers.models.llava_next.processing_llava_next import LlavaNextProcessor

CHAT = {"llama": "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n",
        "mistral": "[INST] {} [/INST]"}
BLANK = {"llama": " ", "mistral": ""}
SENTENCE = "A tabby cat looks into the camera while it rains."
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
LINEAR = {"rope_type": "linear", "factor": 4.0}

ABSENT = object()


def base_changes():
    """Keys of transformers' PreTrainedConfig, for any object of a config."""
    return [("is_causal", [False, None]), ("per_layer_config", [None, {"0": {"hidden_act": "gelu"}}]),
            ("tie_last_hidden_states", [False, True]), ("attention_dropout", [0.5]), ("output_hidden_states", [True]),
            ("output_attentions", [True]), ("return_dict", [False]), ("dtype", ["float32"]), ("torch_dtype", ["float32"]),
            ("chunk_size_feed_forward", [2]), ("is_encoder_decoder", [True]), ("use_cache", [False]),
            ("initializer_range", [0.5]), ("initializer_factor", [3.0]), ("pruned_heads", [{"0": [1]}]),
            ("pad_token_id", [0]), ("bos_token_id", [5]), ("eos_token_id", [5]), ("_attn_implementation", ["eager"]),
            ("id2label", [{"0": "a"}]), ("an_unknown_key", [True])]


def text_changes():
    yield from base_changes()
    yield "rms_norm_eps", [1e-2, 1e-6, ABSENT]
    yield "hidden_act", ["gelu", "swish", "relu", ABSENT]
    yield "attention_bias", [True, False]
    yield "mlp_bias", [True, False]
    yield "head_dim", [16, 32, None]
    yield "num_key_value_heads", [None, 1, ABSENT]
    yield "num_attention_heads", [4]
    yield "num_hidden_layers", [1, 2]
    yield "intermediate_size", [96]
    yield "hidden_size", [64]
    yield "vocab_size", [100]
    yield "max_position_embeddings", [4096, 32]
    yield "sliding_window", [8, 4096, None, ABSENT]
    yield "use_sliding_window", [True]
    yield "layer_types", [["sliding_attention"] * 4]
    yield "attention_chunk_size", [4]
    yield "tie_word_embeddings", [True, False]
    yield "pretraining_tp", [2]
    yield "num_local_experts", [4]
    yield "model_type", ["mistral", "llama", "qwen2", ABSENT]
    yield "rope_theta", [1e4, 1e6, ABSENT]
    yield "partial_rotary_factor", [0.5]
    yield "original_max_position_embeddings", [64]
    for key in ("rope_scaling", "rope_parameters"):
        yield key, [None, {}, {"rope_theta": 2e4}, LINEAR, dict(LINEAR, rope_theta=2e4), {"type": "linear", "factor": 2.0},
                    dict(LLAMA3, original_max_position_embeddings=64), LLAMA3, YARN, dict(YARN, attention_factor=1.3),
                    dict(YARN, mscale=1.0, mscale_all_dim=0.5), dict(YARN, truncate=False, beta_fast=8),
                    {"rope_type": "dynamic", "factor": 8.0}, {"rope_type": "default", "rope_theta": 777.0},
                    {"rope_type": "proportional", "partial_rotary_factor": 0.5}, dict(LINEAR, partial_rotary_factor=0.5),
                    {"rope_type": "longrope", "short_factor": [2.0] * 8, "long_factor": [2.0] * 8, "factor": 2.0},
                    {"full_attention": {"rope_theta": 2e4}}]


def vision_changes():
    yield from base_changes()
    yield "hidden_act", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", ABSENT]
    yield "layer_norm_eps", [1e-2, ABSENT]
    yield "num_attention_heads", [2, 8]
    yield "num_hidden_layers", [1, 2]
    yield "projection_dim", [13]
    yield "num_channels", [1]
    yield "image_size", [224, [336, 336]]
    yield "patch_size", [28, [14, 14]]
    yield "vocab_size", [7]
    yield "model_type", ["siglip_vision_model", "clip", ABSENT]


def top_changes():
    yield from base_changes()
    yield "vision_feature_layer", [-1, -2, -3, 0, 1, [-2], [-1, -2], 7, ABSENT]
    yield "vision_feature_select_strategy", ["full", "default", ABSENT]
    yield "projector_hidden_act", ["gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", ABSENT]
    yield "multimodal_projector_bias", [False, True, ABSENT]
    yield "image_grid_pinpoints", [ABSENT, [[336, 672]], None]
    yield "image_token_index", [2305]
    yield "image_token_id", [2304, 2305]
    yield "image_seq_length", [1]
    yield "ignore_index", [7]
    yield "tie_word_embeddings", [True]
    yield "use_image_newline_parameter", [False]
    yield "rope_theta", [1e3]
    yield "rope_parameters", [{"rope_type": "default", "rope_theta": 1e3}]
    yield "hidden_size", [7]
    yield "architectures", [["LlavaNextModel"], ["MyOwnModel"], None, ABSENT]
    yield "auto_map", [{"AutoModel": "modeling.MyModel"}]


def clip_text_changes():
    yield from base_changes()
    yield "hidden_act", ["gelu", "relu", ABSENT]
    yield "layer_norm_eps", [1e-2]
    yield "num_attention_heads", [2]
    yield "num_hidden_layers", [1]
    yield "projection_dim", [13]
    yield "max_position_embeddings", [10]


def processor_changes():
    yield "image_mean", [[0.1, 0.2, 0.3], 0.5, None, ABSENT]
    yield "image_std", [[0.5, 0.6, 0.7], 0.5, ABSENT]
    yield "rescale_factor", [1 / 128, None, ABSENT]
    yield "resample", [0, 1, 2, 3, 4, 5, None, ABSENT]
    for key in ("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_pad", "do_convert_rgb"):
        yield key, [False, None, ABSENT]
    yield "size", [{"shortest_edge": 400}, {"height": 400, "width": 400}, {"height": 400, "width": 350}, 400, [400, 400],
                   {"shortest_edge": 400, "longest_edge": 420}, {"longest_edge": 400}, None, ABSENT]
    yield "crop_size", [336, [336, 336], {"height": 336, "width": 168}, {"shortest_edge": 336}, None, ABSENT]
    yield "default_to_square", [True]
    yield "use_square_size", [True]
    yield "aspect_ratio_setting", ["pad"]
    yield "image_grid_pinpoints", [[[336, 672]], [[672, 336], [336, 672]], None, ABSENT]
    yield "image_processor_type", ["LlavaNextImageProcessorFast", "CLIPImageProcessor", "LlavaOnevisionImageProcessor", ABSENT]
    yield "processor_class", ["LlavaProcessor"]
    yield "input_data_format", ["channels_last"]
    yield "data_format", ["channels_last"]
    yield "size_divisor", [2]
    yield "pad_size", [{"height": 400, "width": 400}]
    yield "disable_grouping", [True]
    yield "use_fast", [True]
    yield "an_unknown_key", [True]


def changed(document, path, key, value):
    document = json.loads(json.dumps(document))
    place = document
    for part in path:
        place = place.setdefault(part, {})
    if value is ABSENT:
        place.pop(key, None)
    else:
        place[key] = value
    return document


class Model:
    """A checkpoint of the goldens, a copy of its files to change, and the reference's vectors."""

    def __init__(self, folder, kind, image=None):
        """Without an image, only the sentence is embedded."""
        self.folder, self.kind, self.image = folder, kind, image
        self.files = {name: json.loads((folder / name).read_text()) for name in ("config.json", "preprocessor_config.json")}

    def write(self, folder, files):
        for source in self.folder.iterdir():
            if source.name not in self.files:
                (folder / source.name).symlink_to(source.resolve())
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content))

    def reference(self, folder):
        with torch.no_grad():
            return self.clip(folder) if self.kind == "clip" else self.llava(folder)

    def llava(self, folder):
        model = LlavaNextForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
        tokenizer.add_tokens("<image>")
        vision = model.config.vision_config
        processor = LlavaNextProcessor(AutoImageProcessor.from_pretrained(folder, backend="pil"), tokenizer,
                                       patch_size=vision.patch_size, num_additional_image_tokens=1,
                                       vision_feature_select_strategy=model.config.vision_feature_select_strategy)
        end = "in one word:" + BLANK[self.kind]
        text = processor(text=CHAT[self.kind].format(f"{SENTENCE}\nSummary above sentence {end}"), return_tensors="pt")
        prepared = [text]
        if self.image:
            prompt = CHAT[self.kind].format(f"<image>\nSummary above image {end}")
            prepared.append(processor(text=prompt, images=Image.open(self.image), return_tensors="pt"))
        vectors = []
        for inputs in prepared:
            inputs.pop("token_type_ids", None)
            vectors.append(model.eval()(**inputs, output_hidden_states=True, return_dict=True).hidden_states[-1][0, -1])
        return vectors

    def clip(self, folder):
        model = CLIPModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
        pixels = AutoImageProcessor.from_pretrained(folder, backend="pil")(Image.open(self.image), return_tensors="pt")
        ids = torch.tensor([tokenizer(SENTENCE)["input_ids"]])
        return [model.get_text_features(ids).pooler_output[0], model.get_image_features(pixels["pixel_values"]).pooler_output[0]]

    def ours(self, e5v, folder):
        inputs = ["--text", SENTENCE, *(["--image", self.image] if self.image else [])]
        run = subprocess.run([e5v, "embed", "--model", folder, "--dtype", "f32", *inputs], capture_output=True, text=True,
                             env=dict(os.environ, E5V_DEVICE="cpu"))
        if run.returncode != 0:
            return run.stderr.strip().splitlines()[-1]
        return [torch.tensor(json.loads(line)["embedding"]) for line in run.stdout.splitlines()]


def difference(a, b):
    return max(1 - float(torch.nn.functional.cosine_similarity(x.double(), y.double(), dim=0)) for x, y in zip(a, b))


def outcome(model, e5v, files, base):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model.write(folder, files)
        try:
            reference = model.reference(folder)
            finite = all(bool(torch.isfinite(vector).all()) for vector in reference)
            what = "fails" if not finite else "same" if base is None or difference(reference, base) < 1e-9 else "other"
        except Exception as error:
            reference, what = None, f"fails ({type(error).__name__})"
        found = model.ours(e5v, folder)
    if isinstance(found, str):
        return reference, what, "refused", found.replace(name + "/", "")
    if reference is None:
        return reference, what, "computed", ""
    distance = difference(reference, found)
    return reference, what, "equal" if distance < 1e-6 else "DIFFERENT", f"{distance:.1e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("e5v")
    parser.add_argument("goldens", type=pathlib.Path)
    parser.add_argument("--only", default="", help="only changes with this text in their name")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    image = args.goldens / "images" / "img18_dark_90x60.png"
    checkpoints = args.goldens / "ckpt"
    llava = Model(checkpoints / "tiny-small-f32", "llama", image)
    llama = Model(checkpoints / "tiny-small-f32", "llama")
    mistral = Model(checkpoints / "tiny-mistral", "mistral")
    clip = Model(checkpoints / "tiny-clip", "clip", image)
    config, processor = "config.json", "preprocessor_config.json"
    groups = [("llava", llava, config, [], top_changes()), ("llama", llama, config, ["text_config"], text_changes()),
              ("llava", llava, config, ["vision_config"], vision_changes()),
              ("llava", llava, processor, [], processor_changes()),
              ("mistral", mistral, config, ["text_config"], text_changes()),
              ("clip", clip, config, ["text_config"], clip_text_changes()),
              ("clip", clip, config, ["vision_config"], vision_changes()),
              ("clip", clip, config, [], base_changes()), ("clip", clip, processor, [], processor_changes())]
    wrong = total = 0
    for name, model, file, path, changes in groups:
        base = None
        for key, values in changes:
            for value in values:
                label = f"{name} {'.'.join([*path, key])} = {'(absent)' if value is ABSENT else json.dumps(value)}"
                if args.only not in label:
                    continue
                if base is None:
                    base, _, state, note = outcome(model, args.e5v, model.files, None)
                    assert state == "equal", f"{name}: {state} {note}"
                files = dict(model.files, **{file: changed(model.files[file], path, key, value)})
                _, what, state, note = outcome(model, args.e5v, files, base)
                total += 1
                wrong += state == "DIFFERENT"
                print(f"{label[:120]} | {what} | {state} | {note[:160]}", flush=True)
    print(f"{total} changes, {wrong} with other vectors than the reference's and no error")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
