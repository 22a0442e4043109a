"""Schemes and keys of compressed-tensors' quantization_config."""
import copy
import json
import shutil

import torch
from compressed_tensors.compressors import ModelCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig, QuantizationScheme, apply_quantization_config
from compressed_tensors.quantization.quant_scheme import PRESET_SCHEMES
from compressed_tensors.quantization.utils import calculate_qparams
from compressed_tensors.transform import TransformConfig

import common

INT8 = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
INT4 = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": 32}
FP8 = {"num_bits": 8, "type": "float", "symmetric": True, "strategy": "channel"}
TOKENS = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "token", "dynamic": True}
SCHEMES = {
    "int8, channel": ("int-quantized", INT8, None), "int8, tensor": ("int-quantized", {**INT8, "strategy": "tensor"}, None),
    "int8, group": ("int-quantized", {**INT8, "strategy": "group", "group_size": 32}, None),
    "int8, channel, asymmetric": ("int-quantized", {**INT8, "symmetric": False}, None),
    "int8, tensor, asymmetric": ("int-quantized", {**INT8, "strategy": "tensor", "symmetric": False}, None),
    "int8, block": ("int-quantized", {**INT8, "strategy": "block", "block_structure": [32, 32]}, None),
    "int8 with dynamic activations": ("int-quantized", INT8, TOKENS),
    "int8 with static activations": ("int-quantized", INT8, {**TOKENS, "strategy": "tensor", "dynamic": False}),
    "int8 with asymmetric activations": ("int-quantized", INT8, {**TOKENS, "symmetric": False}),
    "int8 naive-quantized": ("naive-quantized", INT8, None),
    "W8A16 packed, channel": ("pack-quantized", INT8, None), "W8A16 packed, group": ("pack-quantized", {**INT8, "strategy": "group", "group_size": 32}, None),
    "W8A16 packed, asymmetric": ("pack-quantized", {**INT8, "symmetric": False}, None),
    "W4A16 packed, group": ("pack-quantized", INT4, None), "W4A16 packed, channel": ("pack-quantized", {**INT4, "strategy": "channel", "group_size": None}, None),
    "W4A16 packed, tensor": ("pack-quantized", {**INT4, "strategy": "tensor", "group_size": None}, None),
    "W4A16 packed, asymmetric": ("pack-quantized", {**INT4, "symmetric": False}, None),
    "W4A16 packed, asymmetric, channel": ("pack-quantized", {**INT4, "symmetric": False, "strategy": "channel", "group_size": None}, None),
    "W4A8": ("pack-quantized", INT4, TOKENS), "W2A16 packed": ("pack-quantized", {**INT4, "num_bits": 2}, None), "W3A16 packed": ("pack-quantized", {**INT4, "num_bits": 3}, None),
    "W4A16 int-quantized": ("int-quantized", INT4, None),
    "W4A16 packed, actorder group": ("pack-quantized", {**INT4, "actorder": "group"}, None),
    "W4A16 packed, actorder weight": ("pack-quantized", {**INT4, "actorder": "weight"}, None),
    "FP8, channel": ("float-quantized", FP8, None), "FP8, tensor": ("float-quantized", {**FP8, "strategy": "tensor"}, None),
    "FP8, block": ("float-quantized", {**FP8, "strategy": "block", "block_structure": [32, 32]}, None),
    "FP8 with dynamic activations": ("float-quantized", FP8, {**TOKENS, "type": "float"}),
    "FP8 with static activations": ("float-quantized", {**FP8, "strategy": "tensor"}, {**TOKENS, "type": "float", "strategy": "tensor", "dynamic": False}),
    "FP8 naive-quantized": ("naive-quantized", FP8, None),
}
FORMATS = {"NVFP4A16": "nvfp4-pack-quantized", "NVFP4": "nvfp4-pack-quantized", "MXFP4A16": "mxfp4-pack-quantized", "MXFP8A16": "mxfp8-quantized", "MXFP8": "mxfp8-quantized"}

# Keys that are changed in a finished int8 checkpoint. Each must be honoured, harmless or refused.
KEYS = {
    "transform_config": [{"config_groups": {"R": {"type": "hadamard", "apply": [{"targets": ["Linear"], "location": "input"}]}}}, {}],
    "sparsity_config": [{"format": "sparse-24-bitmask", "sparsity_structure": "2:4"}, {}], "moe_sparsity_config": [{"method": "prune"}],
    "kv_cache_scheme": [{"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False, "symmetric": True}, None],
    "ignore": [[], ["lm_head"], ["re:.*up_proj"]], "quantization_status": ["frozen", "initialized", "calibration", "decompressed"],
    "global_compression_ratio": [1.5], "version": ["0.9.0"], "run_compressed": [True, False], "dequantize": [True], "use_optimized_inference": [True],
    "format": ["pack-quantized", "float-quantized", "naive-quantized", "dense", "marlin-24", "sparse-bitmask", "of-tomorrow"],
    "quant_method": ["gptq", "awq", "fp8", "hqq"], "a_key_of_tomorrow": [3],
}
ARGUMENTS = {"num_bits": [4, 16], "type": ["float"], "symmetric": [False], "group_size": [32], "strategy": ["tensor", "group", "token"], "block_structure": [[32, 32]],
             "dynamic": [True], "actorder": ["group", "weight"], "scale_dtype": ["float16"], "zp_dtype": ["int8"], "observer": ["mse", None], "observer_kwargs": [{"a": 1}],
             "a_key_of_tomorrow": [3]}
GROUP = {"targets": [["re:.*up_proj"], ["Embedding", "Linear"], ["LlamaMLP"]], "output_activations": [TOKENS, {**TOKENS, "strategy": "tensor"}],
         "input_activations": [TOKENS, {**TOKENS, "num_bits": 4}, {**TOKENS, "symmetric": False}], "format": ["pack-quantized", "int-quantized"], "weights": [None], "a_key_of_tomorrow": [3]}
LINEARS = r"re:.*language_model\.layers.*"


def ranges(weight, arguments):
    """The minimum and the maximum of the values of each scale."""
    rows, columns = weight.shape
    if arguments.strategy == "tensor":
        return weight.amin().reshape(1), weight.amax().reshape(1)
    if arguments.strategy in ("group", "tensor_group"):
        groups = weight.reshape(rows, columns // arguments.group_size, arguments.group_size)
        return groups.amin(-1), groups.amax(-1)
    if arguments.strategy == "block":
        height, width = arguments.block_structure
        blocks = weight.reshape(rows // height, height, columns // width, width)
        return blocks.amin((1, 3)), blocks.amax((1, 3))
    return weight.amin(1, keepdim=True), weight.amax(1, keepdim=True)


def quantise(work, scheme, layout):
    """A checkpoint of the base's weights, rounded to nearest by the libraries' own arithmetic."""
    model = common.load(work.base)
    config = QuantizationConfig(config_groups={"group_0": scheme}, ignore=["lm_head"], format=layout)
    apply_quantization_config(model, config)
    for name, module in model.named_modules():
        if getattr(module, "quantization_scheme", None) is None:
            continue
        arguments = module.quantization_scheme.weights
        if arguments.strategy == "tensor_group":
            largest = module.weight.abs().max()
            module.weight_global_scale.data = (448.0 * 6.0 / largest).reshape(1).float()
        lowest, highest = ranges(module.weight.data, arguments)
        scale, zero = calculate_qparams(lowest, highest, arguments, global_scale=getattr(module, "weight_global_scale", None))
        module.weight_scale.data = scale.to(module.weight_scale.dtype).reshape(module.weight_scale.shape)
        if hasattr(module, "weight_zero_point"):
            module.weight_zero_point.data = zero.to(module.weight_zero_point.dtype).reshape(module.weight_zero_point.shape)
        if getattr(module, "weight_g_idx", None) is not None:
            order = torch.randperm(module.weight.shape[1], generator=torch.Generator().manual_seed(1))
            module.weight_g_idx.data = (order // arguments.group_size).to(module.weight_g_idx.dtype)
        for scales in ("input_scale", "output_scale"):
            if getattr(module, scales, None) is not None:
                getattr(module, scales).data.fill_(0.05)
        if getattr(module, "input_global_scale", None) is not None:
            module.input_global_scale.data.fill_(100.0)
    compressor = ModelCompressor.from_pretrained_model(model, quantization_format=layout)
    compressor.compress_model(model)
    folder = work.folder()
    model.save_pretrained(folder)
    compressor.update_config(folder)
    shutil.copy(work.base / "tokenizer.json", folder)
    shutil.copy(work.base / "preprocessor_config.json", folder)
    return folder


def reference(work, folder):
    """The vector. Weights are decoded at loading if the libraries cannot open what they wrote (packed zero points)."""
    try:
        model = common.load(folder)
    except RuntimeError as error:
        if "ignore_mismatched_sizes" not in str(error):
            raise
        model = common.load(changed(work, folder, (), "dequantize", True))
    return [common.text_vector(model, folder)]


def spread(work, folder):
    """The change of the reference's vector when embeddings change by less than their last bit. Rounded activations amplify
    it, especially symmetric ones, because their largest negative number is between two levels."""
    model = common.load(folder)
    right = common.text_vector(model, folder)
    farthest = 0.0
    for seed in range(4):
        again = common.load(folder)
        noise = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            table = again.get_input_embeddings().weight
            table.mul_(1 + 2e-7 * torch.randn(table.shape, generator=noise))
        farthest = max(farthest, 1 - common.cosine(right, common.text_vector(again, folder)))
    return farthest


def ours(program, folder):
    """In f32, because on a CPU smaller types round activations in other ways."""
    return program.vectors(folder, "--dtype", "f32", "--text", common.TEXT)


def judge(work, field, value, before, folder, program):
    right = common.attempt(lambda: reference(work, folder))
    scheme = json.loads((folder / "config.json").read_text())["quantization_config"].get("config_groups", {}).get("group_0", {})
    rounds = not isinstance(right, str) and scheme.get("input_activations") is not None
    own = spread(work, folder) if rounds else 0.0
    verdict = common.judge(field, value, before, right, ours(program, folder), own)
    if rounds:
        verdict.note = f"the reference itself is sharp to {own:.0e} (1 - cosine)"
    return verdict


def with_config(work, folder, change):
    copied = work.folder()
    for file in folder.iterdir():
        (copied / file.name).symlink_to(file)
    config = json.loads((folder / "config.json").read_text())
    change(config["quantization_config"])
    (copied / "config.json").unlink()
    (copied / "config.json").write_text(json.dumps(config))
    return copied


def changed(work, folder, path, key, value):
    def change(quantization):
        place = quantization
        for step in path:
            place = place[step]
        place[key] = copy.deepcopy(value)
    return with_config(work, folder, change)


def compare(program, base):
    work = common.Workshop(base)
    try:
        plain = reference(work, work.base)
        missing = set(QuantizationConfig.model_fields) - KEYS.keys() - {"config_groups"} | set(QuantizationArgs.model_fields) - ARGUMENTS.keys()
        missing |= set(QuantizationScheme.model_fields) - GROUP.keys()
        assert not missing, f"no values for the keys {sorted(missing)}"
        for name, (layout, weights, activations) in SCHEMES.items():
            scheme = {"targets": [LINEARS], "weights": weights, "input_activations": activations}
            folder = common.attempt(lambda: quantise(work, scheme, layout))
            if isinstance(folder, str):
                yield common.Verdict(f"scheme {name}", layout, "not made", "harmless", common.one_line(folder))
                continue
            yield judge(work, f"scheme {name}", layout, plain, folder, program)
        for name, layout in FORMATS.items():
            if name not in PRESET_SCHEMES:
                continue
            folder = common.attempt(lambda: quantise(work, {**copy.deepcopy(PRESET_SCHEMES[name]), "targets": [LINEARS]}, layout))
            if isinstance(folder, str):
                yield common.Verdict(f"scheme {name}", layout, "not made", "harmless", common.one_line(folder))
                continue
            yield judge(work, f"scheme {name}", layout, plain, folder, program)
        folder = quantise(work, {"targets": [LINEARS], "weights": INT8}, "int-quantized")
        before = reference(work, folder)
        for path, values in (((), KEYS), (("config_groups", "group_0"), GROUP), (("config_groups", "group_0", "weights"), ARGUMENTS)):
            for key, alternatives in values.items():
                for value in alternatives:
                    name = ".".join([*path, key])
                    yield judge(work, name, value, before, changed(work, folder, path, key, value), program)
    finally:
        work.close()
