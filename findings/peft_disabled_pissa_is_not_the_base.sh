#!/usr/bin/env bash
# PEFT: for adapters with init_lora_weights "pissa" or "olora", loading changes the base's weights, and neither disable_adapter() nor
# unload() changes them back. So "the model without the adapter" is another model than the one that was loaded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.15.0 transformers==5.24.0 peft==0.21.2 accelerate
cd "$folder" && "$folder/venv/bin/python" - <<'PYTHON'
import sys
import peft, torch, transformers
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaModel

print("torch", torch.__version__, "transformers", transformers.__version__, "peft", peft.__version__)
torch.manual_seed(0)
config = LlamaConfig(vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)
LlamaModel(config).save_pretrained("base")
ids = torch.arange(1, 17)[None]


def state(model):
    with torch.no_grad():
        return model(input_ids=ids).last_hidden_state[0, -1]


def fresh():
    return LlamaModel.from_pretrained("base").eval()


def cosine(a, b):
    return torch.nn.functional.cosine_similarity(a, b, dim=0).item()


base, changed = state(fresh()), []
for init in (True, "pissa", "olora"):
    torch.manual_seed(1)
    trained = get_peft_model(fresh(), LoraConfig(r=8, target_modules=["up_proj", "v_proj"], init_lora_weights=init))
    with torch.no_grad():  # stands for training
        for name, weight in trained.named_parameters():
            if "lora_" in name:
                weight.add_(torch.randn_like(weight) * 0.1)
    trained.save_pretrained(f"adapter-{init}")
    model = PeftModel.from_pretrained(fresh(), f"adapter-{init}").eval()
    with model.disable_adapter():
        disabled = cosine(state(model), base)
    unloaded = cosine(state(model.unload()), base)
    print(f"init_lora_weights={init}: cosine to the base with the adapter disabled {disabled:.4f}, after unload() {unloaded:.4f}")
    changed.append(disabled < 0.999 and unloaded < 0.999)
print("a user would expect 1.0000 everywhere")
sys.exit(0 if changed == [False, True, True] else 1)
PYTHON
