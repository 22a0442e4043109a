"""Every field of LlavaNextConfig, LlamaConfig and CLIPVisionConfig."""
import copy
import dataclasses

from transformers import CLIPVisionConfig, LlamaConfig, LlavaNextConfig
from transformers.configuration_utils import PreTrainedConfig

import common

COMMON = {"transformers_version": ["4.41.2"], "architectures": [["LlavaNextForConditionalGeneration"], None], "output_hidden_states": [True],
          "return_dict": [False], "dtype": ["bfloat16", "float16"], "torch_dtype": ["bfloat16"], "chunk_size_feed_forward": [8], "is_encoder_decoder": [True],
          "id2label": [{"0": "a"}], "label2id": [{"a": 0}], "problem_type": ["regression"], "a_field_of_tomorrow": [3]}
SIZES = {"hidden_size": [64, 256], "intermediate_size": [64], "num_hidden_layers": [2, 5], "num_attention_heads": [4, 16]}
TEXT = {**SIZES, "vocab_size": [2400], "num_key_value_heads": [1, 4, None], "hidden_act": ["gelu", "silu", "relu"],
        "max_position_embeddings": [16, 4096], "initializer_range": [0.5], "rms_norm_eps": [1e-2, 1e-6], "use_cache": [False], "pad_token_id": [3],
        "bos_token_id": [7, None], "eos_token_id": [7], "pretraining_tp": [2], "tie_word_embeddings": [True], "attention_bias": [True],
        "attention_dropout": [0.5], "mlp_bias": [True], "head_dim": [16, 8], "sliding_window": [4], "layer_types": [["sliding_attention"] * 4],
        "no_rope_layers": [[1, 1, 0, 0]], "query_pre_attn_scalar": [8.0], "logit_scale": [0.5], "embedding_multiplier": [2.0],
        "model_type": ["mistral", "qwen2", "gemma"], "use_sliding_window": [True], "is_causal": [False], "attn_implementation": ["eager"]}
VISION = {**{key: value for key, value in SIZES.items()}, "projection_dim": [32], "num_channels": [1], "image_size": [224, 672], "patch_size": [28],
          "hidden_act": ["gelu", "gelu_pytorch_tanh", "relu"], "layer_norm_eps": [1e-2], "attention_dropout": [0.5], "initializer_range": [0.5],
          "initializer_factor": [2.0], "model_type": ["siglip_vision_model"], "num_hidden_layers": [2, 5], "vision_use_head": [False]}
WHOLE = {"image_token_index": [2305], "image_token_id": [2305], "projector_hidden_act": ["gelu_pytorch_tanh", "relu", "quick_gelu"],
         "vision_feature_select_strategy": ["full"], "vision_feature_layer": [-1, -3, 1, [-2], [-1, -2]], "multimodal_projector_bias": [False],
         "tie_word_embeddings": [True], "image_grid_pinpoints": [[[336, 672]], [[672, 336], [336, 672]], []], "image_seq_length": [100],
         "use_image_newline_parameter": [False], "model_type": ["llava", "llava_onevision"], "mm_patch_merge_type": ["flat"]}
ROPE = {"rope_parameters"}  # an area of its own


def check_complete(values, *classes):
    for config_class in classes:
        names = {field.name for field in dataclasses.fields(config_class)} - {"text_config", "vision_config"} - ROPE
        missing = names - values.keys() - COMMON.keys()
        assert not missing, f"no values for the fields {sorted(missing)} of {config_class.__name__}"


def compare(program, base):
    check_complete(TEXT, LlamaConfig, PreTrainedConfig)
    check_complete(VISION, CLIPVisionConfig)
    check_complete(WHOLE, LlavaNextConfig)
    work = common.Workshop(base)
    try:
        config = work.json("config.json")
        image = work.image()

        def outcome(content, which):
            folder = work.variant(config_json=content)
            if not which:
                return program.vectors(folder, "--text", common.TEXT, "--image", image)

            def both():
                model = common.load(folder)
                with common.Image.open(image) as opened:
                    return [common.text_vector(model, folder), common.image_vector(model, folder, opened)]
            return common.attempt(both)

        plain = outcome(config, True)
        for path, values in (("text_config", {**TEXT, **COMMON}), ("vision_config", {**VISION, **COMMON}), ("", {**WHOLE, **COMMON})):
            for field, alternatives in values.items():
                for value in alternatives:
                    content = copy.deepcopy(config)
                    (content[path] if path else content)[field] = value
                    name = f"{path}.{field}" if path else field
                    yield common.judge(name, value, plain, outcome(content, True), outcome(content, False))
    finally:
        work.close()
