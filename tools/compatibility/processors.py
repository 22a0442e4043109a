"""Fields of preprocessor_config.json and processor_config.json, and the choice between the two files."""
import copy

from PIL import Image
from transformers.processing_utils import ImagesKwargs

import common

VALUES = {
    "do_convert_rgb": [False], "do_resize": [False], "size": [{"shortest_edge": 224}, {"shortest_edge": 400}, {"height": 336, "width": 336}, 336,
                                                                {"height": 300, "width": 400}, {"longest_edge": 336}],
    "default_to_square": [True], "crop_size": [{"height": 224, "width": 224}, 336, {"height": 336, "width": 300}],
    "resample": [0, 1, 2, 4, 5, None], "do_rescale": [False], "rescale_factor": [0.01, 1 / 127.5], "do_normalize": [False],
    "image_mean": [[0.5, 0.5, 0.5], 0.5, None], "image_std": [[0.5, 0.5, 0.5], 0.5], "do_pad": [False], "pad_size": [{"height": 400, "width": 400}],
    "do_center_crop": [False], "data_format": ["channels_first", "channels_last"], "input_data_format": ["channels_last"], "device": ["cpu"],
    "return_tensors": ["pt"], "disable_grouping": [True], "image_seq_length": [100],
    "image_grid_pinpoints": [[[336, 672]], [[672, 336], [336, 672]]], "aspect_ratio_setting": ["pad"],
    "image_processor_type": ["LlavaNextImageProcessorFast", "LlavaNextImageProcessorPil", "CLIPImageProcessor", "LlavaOnevisionImageProcessor"],
    "processor_class": ["LlavaProcessor"], "use_fast": [True], "backend": ["pil"], "a_field_of_tomorrow": [3],
}


def compare(program, base):
    missing = set(ImagesKwargs.__annotations__) - VALUES.keys()
    assert not missing, f"no values for the fields {sorted(missing)}"
    work = common.Workshop(base)
    try:
        old = work.json("preprocessor_config.json")
        image = work.image()
        model = common.load(work.base)

        def outcome(folder, which):
            if not which:
                return program.vectors(folder, "--image", image)
            with Image.open(image) as opened:
                opened.load()
            return common.attempt(lambda: [common.image_vector(model, folder, opened)])

        plain = outcome(work.base, True)
        for field, alternatives in VALUES.items():
            for value in alternatives:
                content = {**copy.deepcopy(old), field: value}
                for name, files in {"preprocessor_config": {"preprocessor_config_json": content},
                                    "processor_config.image_processor": {"preprocessor_config_json": None,
                                                                         "processor_config_json": {"processor_class": "LlavaNextProcessor", "image_processor": content}}}.items():
                    folder = work.variant(**files)
                    yield common.judge(f"{name}.{field}", value, plain, outcome(folder, True), outcome(folder, False))
            absent = {key: value for key, value in old.items() if key != field}
            if absent != old:
                folder = work.variant(preprocessor_config_json=absent)
                yield common.judge(f"preprocessor_config.{field}", "absent", plain, outcome(folder, True), outcome(folder, False))
        other = {**copy.deepcopy(old), "image_mean": [0.2, 0.3, 0.4]}
        nested = {"processor_class": "LlavaNextProcessor", "image_processor": other}
        for name, files in {
            "nested beside old": {"processor_config_json": nested},
            "nested without most keys beside old": {"processor_config_json": {"image_processor": {"image_mean": [0.2, 0.3, 0.4], "image_processor_type": "LlavaNextImageProcessor"}}},
            "nested without a type beside old": {"processor_config_json": {"image_processor": {"image_mean": [0.2, 0.3, 0.4]}}},
            "no nested one beside old": {"processor_config_json": {"processor_class": "LlavaNextProcessor", "patch_size": 14}},
            "null nested beside old": {"processor_config_json": {"image_processor": None}},
            "flat keys beside old": {"processor_config_json": {**other}},
            "patch_size of the processor": {"processor_config_json": {"processor_class": "LlavaNextProcessor", "patch_size": 7, "num_additional_image_tokens": 3}},
            "nested alone": {"preprocessor_config_json": None, "processor_config_json": nested},
        }.items():
            folder = work.variant(**files)
            yield common.judge(f"processor_config, {name}", sorted(files), plain, outcome(folder, True), outcome(folder, False))
    finally:
        work.close()
