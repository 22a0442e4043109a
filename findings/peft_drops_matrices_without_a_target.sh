#!/usr/bin/env bash
# PEFT passes over matrices of an adapter file that target_modules does not name, without a warning. So after an edit of
# adapter_config.json, or with a file of another tool, a part of what was trained has no effect. (Missing matrices are warned of.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.15.0 transformers==5.24.0 peft==0.21.2 accelerate
cd "$folder" && "$folder/venv/bin/python" - <<'PYTHON'
import json, pathlib, sys, warnings
import peft, torch, transformers
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaModel

print("torch", torch.__version__, "transformers", transformers.__version__, "peft", peft.__version__)
torch.manual_seed(0)
LlamaModel(LlamaConfig(vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)).save_pretrained("base")
trained = get_peft_model(LlamaModel.from_pretrained("base"), LoraConfig(r=8, target_modules=["up_proj", "v_proj"]))
with torch.no_grad():  # stands for training
    for name, weight in trained.named_parameters():
        if "lora_" in name:
            weight.copy_(torch.randn_like(weight) * 0.2)
trained.save_pretrained("adapter")


def opened():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(LlamaModel.from_pretrained("base"), "adapter").eval()
    with torch.no_grad():
        return model(input_ids=torch.arange(1, 17)[None]).last_hidden_state[0, -1], [str(w.message) for w in caught if "adapter" in str(w.message)]


whole, _ = opened()
path = pathlib.Path("adapter/adapter_config.json")
config = json.loads(path.read_text())
config["target_modules"] = ["v_proj"]
path.write_text(json.dumps(config))
part, said = opened()
cosine = torch.nn.functional.cosine_similarity(whole, part, dim=0).item()
print(f"the file holds up_proj and v_proj, target_modules names v_proj: cosine to the whole adapter {cosine:.4f}, warnings about it: {said}")
sys.exit(0 if cosine < 0.99 and not said else 1)
PYTHON
