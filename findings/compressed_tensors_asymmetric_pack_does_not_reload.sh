#!/usr/bin/env bash
# compressed-tensors packs the zero points of an asymmetric pack-quantized checkpoint, but the empty model that transformers loads into
# expects them unpacked. So a W4A16 checkpoint with zero points does not open again with the versions that wrote it, unless
# "dequantize" is set, while the symmetric one does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.15.0 transformers==5.24.0 compressed-tensors==0.20.1 accelerate
cd "$folder" && "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import json, pathlib, sys
import compressed_tensors, torch, transformers
from compressed_tensors.compressors import ModelCompressor
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
from compressed_tensors.quantization.utils import calculate_qparams
from transformers import LlamaConfig, LlamaForCausalLM

print("torch", torch.__version__, "transformers", transformers.__version__, "compressed-tensors", compressed_tensors.__version__)
config = LlamaConfig(vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)


def write(symmetric):
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    weights = {"num_bits": 4, "type": "int", "symmetric": symmetric, "strategy": "group", "group_size": 32}
    apply_quantization_config(model, QuantizationConfig(config_groups={"group_0": {"targets": ["Linear"], "weights": weights}}, ignore=["lm_head"]))
    for module in model.modules():
        if getattr(module, "quantization_scheme", None) is not None:
            groups = module.weight.data.unflatten(1, (-1, 32))
            scale, zero = calculate_qparams(groups.amin(-1), groups.amax(-1), module.quantization_scheme.weights)
            module.weight_scale.data, module.weight_zero_point.data = scale, zero.to(module.weight_zero_point.dtype)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    folder = pathlib.Path("symmetric" if symmetric else "asymmetric")
    model.save_pretrained(folder)
    compressor.update_config(folder)
    return folder


def outcome(folder):
    try:
        LlamaForCausalLM.from_pretrained(folder)(input_ids=torch.arange(1, 9)[None])
        return "opens"
    except RuntimeError as error:
        return f"does not open: {str(error).splitlines()[0]}"


symmetric, asymmetric = outcome(write(True)), outcome(write(False))
path = pathlib.Path("asymmetric/config.json")
whole = json.loads(path.read_text())
whole["quantization_config"]["dequantize"] = True
path.write_text(json.dumps(whole))
expanded = outcome(path.parent)
print(f"W4A16, symmetric: {symmetric}\nW4A16, asymmetric: {asymmetric}\nW4A16, asymmetric, with \"dequantize\": {expanded}")
sys.exit(0 if symmetric == "opens" and asymmetric.startswith("does not open") and expanded == "opens" else 1)
PYTHON
