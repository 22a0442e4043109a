#!/usr/bin/env python3
"""Makes the goldens of compressed-tensors schemes: tests/golden/quantised/schemes.safetensors and schemes.json

    pip install torch transformers compressed-tensors   # made with torch 2.15.0, transformers 5.24.0, compressed-tensors 0.20.1
    tools/make_quantised_goldens.py tests/golden/quantised

A Llama of two small layers with random weights is quantised by each scheme, saved, opened again by transformers in
float32, and asked for the last hidden state, after the final norm, of the last of a few tokens. The file of tensors
holds once the embeddings and norms, which all checkpoints share, and for each scheme the saved quantised matrices
under SCHEME/ and the hidden state SCHEME/right; the JSON holds config.json's quantization_config of each.
"""
import argparse
import json
import pathlib
import tempfile

import torch
from compressed_tensors.compressors import ModelCompressor
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
from compressed_tensors.quantization.utils import calculate_qparams
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, CompressedTensorsConfig, LlamaConfig
import compressed_tensors
import transformers

IDS = [1, 7, 30, 12, 5, 5, 22, 39, 3]


def ints(bits, strategy, **more):
    return dict(num_bits=bits, type="int", strategy=strategy, symmetric=True, dynamic=False, **{}) | more


def floats(strategy, **more):
    return ints(8, strategy, type="float") | more


TOKEN8 = ints(8, "token", dynamic=True)
SCHEMES = {
    "w8a8-channel": (ints(8, "channel"), TOKEN8),
    "w8a8-tensor-static-asymmetric": (ints(8, "tensor"), ints(8, "tensor", symmetric=False)),
    "w8a8-group": (ints(8, "group", group_size=8), TOKEN8),
    "w8a8-asymmetric": (ints(8, "channel", symmetric=False), ints(8, "token", dynamic=True, symmetric=False)),
    "w8a8-block": (ints(8, "block", block_structure=[10, 8]), TOKEN8),
    "w8a16-channel": (ints(8, "channel"), None),
    "w8a16-group-asymmetric": (ints(8, "group", group_size=8, symmetric=False), None),
    "w4a16-group": (ints(4, "group", group_size=8), None),
    "w4a16-group-asymmetric": (ints(4, "group", group_size=8, symmetric=False), None),
    "w4a16-channel-asymmetric": (ints(4, "channel", symmetric=False), None),
    "w4a16-tensor": (ints(4, "tensor"), None),
    "w3a16-group": (ints(3, "group", group_size=8), None),
    "w4a8": (ints(4, "group", group_size=8), TOKEN8),
    "w4afp8": (ints(4, "channel"), floats("token", dynamic=True)),
    "fp8-tensor-static": (floats("tensor"), floats("tensor")),
    "fp8-channel-dynamic": (floats("channel"), floats("token", dynamic=True)),
    "fp8-block": (floats("block", block_structure=[10, 8]), floats("group", group_size=8, dynamic=True)),
    "fp8-weights": (floats("channel"), None),
}


def make_model(seed=3):
    config = LlamaConfig(vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
                         num_key_value_heads=2, head_dim=8, max_position_embeddings=64, tie_word_embeddings=True,
                         rms_norm_eps=1e-5)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=random)
            # Rows have different sizes and centres, so that scales and zero points matter.
            if weight.dim() == 2 and "embed" not in name:
                noise = (noise * torch.linspace(0.5, 1.5, len(weight))[:, None] + 0.3) / weight.shape[1] ** 0.5
            weight.copy_(1 + 0.1 * noise if weight.dim() == 1 else noise)
    return model


def set_weight_scales(linear, args):
    """The range of the numbers that share a scale, found by the library's own observer of extremes."""
    weight = linear.weight.data
    if args.strategy == "tensor":
        low, high = weight.min().reshape(1), weight.max().reshape(1)
    elif args.strategy == "channel":
        low, high = weight.amin(1, keepdim=True), weight.amax(1, keepdim=True)
    elif args.strategy == "group":
        groups = weight.reshape(len(weight), -1, args.group_size)
        low, high = groups.amin(-1), groups.amax(-1)
    else:
        height, width = args.block_structure
        rows = -len(weight) % height
        blocks = torch.nn.functional.pad(weight, (0, 0, 0, rows)).reshape(-1, height, weight.shape[1] // width, width)
        low, high = blocks.amin((1, 3)), blocks.amax((1, 3))
    scale, zero = calculate_qparams(low, high, args)
    linear.weight_scale.data.copy_(scale)
    if not args.symmetric:
        linear.weight_zero_point.data.copy_(zero)


def set_input_scales(linear, args, low, high):
    """A range that is slightly too small, so that clamping has an effect."""
    scale, zero = calculate_qparams(0.8 * low.reshape(1), 0.8 * high.reshape(1), args)
    linear.input_scale.data.copy_(scale)
    if not args.symmetric:
        linear.input_zero_point.data.copy_(zero)


def observe_inputs(model):
    ranges = {}
    hooks = [module.register_forward_pre_hook(
        lambda module, args, name=name: ranges.update({name: (args[0].min(), args[0].max())}))
        for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        model(torch.tensor([IDS]))
    for hook in hooks:
        hook.remove()
    return ranges


def quantise(weights, inputs, group_format=None):
    model = make_model()
    ranges = observe_inputs(model)
    group = dict(targets=["Linear"], weights=weights, input_activations=inputs, format=group_format)
    config = QuantizationConfig(config_groups={"group_0": group}, ignore=["lm_head"],
                                quantization_status="initialized")
    apply_quantization_config(model, config, show_progress=False)
    for name, module in model.named_modules():
        scheme = getattr(module, "quantization_scheme", None)
        if scheme is None:
            continue
        set_weight_scales(module, scheme.weights)
        if scheme.input_activations is not None and not scheme.input_activations.dynamic:
            set_input_scales(module, scheme.input_activations, *ranges[name])
    return model


def save(model, folder):
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    if hasattr(model, "ct_decompress_hook"):
        model.ct_decompress_hook.remove()
    model.save_pretrained(folder)
    compressor.update_config(folder)


def hidden_state(folder, packed_zero_points):
    """transformers 5.24 allocates packed zero points unpacked, and so opens such files with dequantize=True only."""
    more = {"quantization_config": CompressedTensorsConfig(dequantize=True)} if packed_zero_points else {}
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                                         output_loading_info=True, **more)
    if not packed_zero_points and any(report.values()):
        raise SystemExit(f"transformers does not read what was saved: {report}")
    model.eval()
    with torch.no_grad():
        return model(torch.tensor([IDS]), output_hidden_states=True).hidden_states[-1][0, -1].clone()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    tensors, configs = {}, {}
    for name, (weights, inputs) in SCHEMES.items():
        with tempfile.TemporaryDirectory() as folder:
            save(quantise(weights, inputs), folder)
            saved = load_file(pathlib.Path(folder) / "model.safetensors")
            quantised = {key for key in saved if "proj" in key}
            tensors |= {f"{name}/{key}": saved[key] for key in quantised}
            tensors |= {f"shared/{key}": saved[key] for key in saved.keys() - quantised}
            tensors[f"{name}/right"] = hidden_state(folder, inputs is None and not weights["symmetric"])
            configs[name] = json.loads((pathlib.Path(folder) / "config.json").read_text())["quantization_config"]
            print(name, configs[name]["format"], sum(saved[key].nbytes for key in quantised))
    save_file({key: value.contiguous() for key, value in tensors.items()}, args.output / "schemes.safetensors")
    facts = {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0],
             "compressed-tensors": compressed_tensors.__version__, "ids": IDS, "schemes": configs}
    (args.output / "schemes.json").write_text(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
