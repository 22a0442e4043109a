#!/usr/bin/env python3
"""Makes tests/golden/config: the effect of keys of config.json and of the image processors' files in transformers.

    pip install torch transformers pillow   # made with torch 2.15.0, transformers 5.24.0, Pillow 13.0.0
    tools/make_config_goldens.py tests/golden

rope.json: configs of Llama and Mistral with the frequencies of their rotary embedding, or the error that transformers
raises. processors.json: the files of a folder with some pixels of an image after the image processor.
"""
import argparse
import json
import logging
import pathlib
import tempfile

import numpy
import transformers
from PIL import Image
from transformers import AutoConfig, AutoImageProcessor
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.mistral.modeling_mistral import MistralRotaryEmbedding

BASE = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 8192}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 512}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048}
DEFAULT = {"rope_type": "default", "rope_theta": 250000.0}


def without(dictionary, key):
    return {k: v for k, v in dictionary.items() if k != key}


def rope_cases():
    old, new = "rope_scaling", "rope_parameters"
    yield {}
    yield {"rope_theta": 5e5}
    yield {"rope_theta": 1}
    for place in (old, new):
        yield {place: None, "rope_theta": 5e5}
        yield {place: {}, "rope_theta": 5e5}
        yield {place: {"rope_theta": 3e5}}
        yield {place: {"rope_theta": 3e5}, "rope_theta": 5e5}
        yield {place: DEFAULT, "rope_theta": 5e5}
        yield {place: {"type": "default", "rope_theta": 3e5}}
        yield {place: {"type": "linear", "factor": 2.0}, "rope_theta": 5e5}
        yield {place: {"type": "linear", "rope_type": "default", "factor": 2.0}}
        yield {place: {"type": "default", "rope_type": "linear", "factor": 2.0}}
        yield {place: {"rope_type": "linear", "factor": 4.0, "rope_theta": 2e5}, "rope_theta": 5e5}
        yield {place: LLAMA3}
        yield {place: LLAMA3, "rope_theta": 5e5}
        yield {place: dict(LLAMA3, rope_theta=3e5), "rope_theta": 5e5}
        yield {place: without(LLAMA3, "original_max_position_embeddings")}
        yield {place: LLAMA3, "original_max_position_embeddings": 1024}
        yield {place: dict(LLAMA3, factor=32.0, original_max_position_embeddings=8192), "head_dim": 32}
        yield {place: YARN, "rope_theta": 5e5}
        yield {place: dict(YARN, attention_factor=1.25)}
        yield {place: dict(YARN, beta_fast=16, beta_slow=2, truncate=False)}
        yield {place: dict(YARN, mscale=1.0, mscale_all_dim=0.8)}
        yield {place: dict(YARN, mscale=1.0)}
        yield {place: dict(YARN, factor=None)}
        yield {place: dict(YARN, beta_fast=0, truncate=None)}
        yield {place: YARN, "original_max_position_embeddings": 1024}
        yield {place: without(YARN, "original_max_position_embeddings")}
        yield {place: {"rope_type": "dynamic", "factor": 4.0}, "rope_theta": 5e5}
        yield {place: dict(DEFAULT, partial_rotary_factor=0.5)}
        yield {place: {"rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 0.5}}
        yield {place: {"rope_type": "proportional", "partial_rotary_factor": 0.5}}
        yield {place: {"rope_type": "longrope", "short_factor": [1.5] * 8, "long_factor": [4.0] * 8, "factor": 4.0,
                       "original_max_position_embeddings": 2048}}
        yield {place: {"full_attention": DEFAULT}}
        yield {place: {"full_attention": DEFAULT}, "layer_types": ["full_attention"] * 32}
        yield {place: {"rope_theta": None}}
        yield {place: {"rope_type": None, "rope_theta": 3e5}}
        yield {place: {"rope_type": "linear"}}
        yield {place: without(LLAMA3, "factor")}
        yield {place: {"type": "su", "factor": 2.0}}
    yield {old: {"rope_type": "linear", "factor": 2.0}, new: DEFAULT}
    yield {old: {"rope_theta": 3e5}, new: dict(LLAMA3, rope_theta=2e5), "rope_theta": 5e5}
    yield {old: {}, new: dict(DEFAULT, rope_theta=2e5), "rope_theta": 5e5}
    yield {old: None, new: dict(LLAMA3, rope_theta=2e5), "rope_theta": 5e5}
    yield {old: LLAMA3, new: {"rope_theta": 2e5}}
    yield {"partial_rotary_factor": 0.5, "rope_theta": 5e5}
    yield {"partial_rotary_factor": 0.5, old: {"rope_type": "linear", "factor": 2.0}}
    yield {"partial_rotary_factor": 0.5, old: {"rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 1.0}}
    yield {"head_dim": 24, new: YARN}
    yield {"rope_theta": None, new: {"rope_theta": 3e5}}
    yield {"rope_theta": None}


def rope_golden(kind, change):
    config = dict(BASE, model_type=kind, **json.loads(json.dumps(change)))
    golden = {"config": json.loads(json.dumps(config))}
    try:
        made = AutoConfig.for_model(**config)
        rotary = (LlamaRotaryEmbedding if kind == "llama" else MistralRotaryEmbedding)(made)
        frequencies = [float(f"{v:.9g}") for v in rotary.inv_freq.double().tolist()]
        if 2 * len(frequencies) != made.head_dim:  # such a model cannot run
            raise ValueError(f"{2 * len(frequencies)} rotated elements in heads of {made.head_dim}")
        golden |= {"frequencies": frequencies, "scale": float(rotary.attention_scaling)}
    except Exception as error:
        golden["error"] = f"{type(error).__name__}: {error}"[:100]
    return golden


LLAVA = {"image_processor_type": "LlavaNextImageProcessor", "size": {"shortest_edge": 56},
         "crop_size": {"height": 56, "width": 56}, "image_grid_pinpoints": [[56, 112], [112, 56]]}
CLIP = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 64},
        "crop_size": {"height": 56, "width": 56}}
CONFIGS = {"llava_next": {"model_type": "llava_next"}, "clip": {"model_type": "clip"}}


def processor_cases():
    pre, both = "preprocessor_config.json", "processor_config.json"
    mean = [0.1, 0.2, 0.3]
    for kind, base in (("llava_next", LLAVA), ("clip", CLIP)):
        other = dict(base, image_mean=mean)
        yield kind, {pre: base}
        yield kind, {pre: base, both: {"image_processor": other}}
        yield kind, {pre: other, both: {"image_processor": base}}
        yield kind, {pre: other, both: {"image_processor": None}}
        yield kind, {pre: other, both: {"patch_size": 14, "processor_class": "LlavaNextProcessor"}}
        yield kind, {both: {"image_processor": other}}
        yield kind, {pre: other, both: {"image_processor": without(other, "image_mean")}}
        changes = [{"image_mean": 0.5}, {"image_std": 0.25}, {"image_mean": None, "image_std": None},
                   {"rescale_factor": 0.0078125}, {"rescale_factor": None}, {"resample": 2}, {"resample": 0},
                   {"resample": 1}, {"resample": None}, {"do_resize": False}, {"do_center_crop": False},
                   {"do_rescale": False}, {"do_normalize": False}, {"do_resize": None, "do_normalize": None},
                   {"do_convert_rgb": False}, {"do_convert_rgb": None}, {"do_pad": False}, {"do_pad": None},
                   {"size": 72}, {"size": [72, 72]}, {"size": [72, 60]}, {"size": {"height": 72, "width": 72}},
                   {"size": {"height": 72, "width": 60}}, {"size": {"shortest_edge": 72, "longest_edge": 80}},
                   {"size": {"shortest_edge": 72, "longest_edge": None}}, {"size": {"longest_edge": 72}},
                   {"size": {"max_height": 72, "max_width": 72}}, {"size": 72, "default_to_square": True},
                   {"size": 72, "default_to_square": False}, {"size": 72, "default_to_square": None},
                   {"size": 72, "use_square_size": True}, {"size": {"shortest_edge": 40}}, {"crop_size": 56},
                   {"crop_size": [56, 56]}, {"crop_size": {"shortest_edge": 56}}, {"crop_size": {"height": 56, "width": 28}},
                   {"image_processor_type": None}, {"image_processor_type": base["image_processor_type"] + "Fast"},
                   {"image_processor_type": "SiglipImageProcessor"}, {"aspect_ratio_setting": "anyres"},
                   {"input_data_format": "channels_last"}, {"data_format": "channels_last"},
                   {"use_fast": False}, {"an_unknown_key": True}]
        if kind == "llava_next":
            changes += [{"image_grid_pinpoints": [[56, 112]]}, {"image_grid_pinpoints": [[112, 56], [56, 112]]}]
        for change in changes:
            yield kind, {pre: dict(base, **change)}


def test_image(width, height):
    y, x = numpy.mgrid[0:height, 0:width]
    return numpy.stack([(7 * x + 3 * y) % 256, (5 * x * y) % 251, (11 * y + x * x) % 253], -1).astype(numpy.uint8)


def processor_golden(kind, files, image):
    golden = {"model": kind, "files": files}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in dict(files, **{"config.json": CONFIGS[kind]}).items():
            pathlib.Path(folder, name).write_text(json.dumps(content))
        try:
            processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
            pixels = numpy.asarray(processor(Image.fromarray(image), return_tensors="np")["pixel_values"], numpy.float32)[0]
            tiles = pixels if pixels.ndim == 4 else pixels[None]
            golden |= {"shape": list(tiles.shape),
                       "samples": [round(float(v), 6) for v in tiles.reshape(-1)[::max(1, tiles.size // 24)]]}
        except Exception as error:
            golden["error"] = f"{type(error).__name__}: {error}"[:100]
    return golden


def write(file, facts):
    file.write_text("{\n" + ",\n".join(f' {json.dumps(key)}: ' + (
        json.dumps(value) if not isinstance(value, list) else "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]")
        for key, value in facts.items()) + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goldens", type=pathlib.Path, help="the folder; config/ in it is written")
    folder = parser.parse_args().goldens / "config"
    folder.mkdir(exist_ok=True)
    logging.disable(logging.WARNING)
    rope = [rope_golden(kind, change) for kind in ("llama", "mistral") for change in rope_cases()]
    write(folder / "rope.json", {"transformers": transformers.__version__, "cases": rope})
    width, height = 90, 60
    image = test_image(width, height)
    cases = [processor_golden(kind, files, image) for kind, files in processor_cases()]
    write(folder / "processors.json",
          {"transformers": transformers.__version__, "width": width, "height": height, "cases": cases})
    print(len(rope), "rotary embeddings,", len(cases), "image processors")


if __name__ == "__main__":
    main()
