#!/usr/bin/env bash
# transformers does not hand the transform_config of a quantised checkpoint to compressed-tensors. A checkpoint whose rotations belong to the
# running model (online Hadamard transforms, as of QuaRot's and SpinQuant's R3 and R4) therefore opens without an error, and computes
# with rotated weights on activations that nobody rotated.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.15.0 transformers==5.24.0 compressed-tensors==0.20.1 accelerate
cd "$folder" && "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import sys
import compressed_tensors, torch, transformers
from compressed_tensors.compressors import ModelCompressor
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
from compressed_tensors.quantization.utils import calculate_qparams
from compressed_tensors.transform import TransformArgs, TransformConfig, TransformScheme, apply_transform_config
from transformers import LlamaConfig, LlamaForCausalLM

print("torch", torch.__version__, "transformers", transformers.__version__, "compressed-tensors", compressed_tensors.__version__)
torch.manual_seed(0)
model = LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)).eval()
ids = torch.arange(1, 17)[None]


def logits(of):
    with torch.no_grad():
        return of(input_ids=ids).logits[0, -1]


plain = logits(model)
# Both halves cancel: inputs of down_proj are rotated while the model runs, its weight once and for all.
target = {"targets": ["re:.*down_proj$"]}
rotation = TransformScheme(type="hadamard", apply=[TransformArgs(location="input", **target), TransformArgs(location="weight_input", inverse=True, **target)])
apply_transform_config(model, TransformConfig(config_groups={"R4": rotation}))
weights = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
apply_quantization_config(model, QuantizationConfig(config_groups={"group_0": {"targets": ["Linear"], "weights": weights}}, ignore=["lm_head"]))
for module in model.modules():
    if getattr(module, "quantization_scheme", None) is not None:
        rows = module.weight.data
        module.weight_scale.data, _ = calculate_qparams(rows.amin(1, keepdim=True), rows.amax(1, keepdim=True), module.quantization_scheme.weights)
rotated = logits(model)
compressor = ModelCompressor.from_pretrained_model(model)
compressor.compress_model(model)
model.save_pretrained("rotated")
compressor.update_config("rotated")
opened = logits(LlamaForCausalLM.from_pretrained("rotated").eval())
cosine = lambda a, b: torch.nn.functional.cosine_similarity(a, b, dim=0).item()
print(f"cosine to the plain model: rotated and quantised {cosine(rotated, plain):.4f}, the same checkpoint opened again {cosine(opened, plain):.4f}")
sys.exit(0 if cosine(rotated, plain) > 0.99 and cosine(opened, plain) < 0.98 else 1)
PYTHON
