#!/usr/bin/env bash
# transformers 5 keeps the rotary embedding in "rope_parameters" and reads the older "rope_scaling" for compatibility. Where a config.json
# has both, the old key replaces the new one as a whole, rope_theta included, without a warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.15.0 transformers==5.24.0
cd "$folder" && "$folder/venv/bin/python" - <<'PYTHON'
import json, sys
import transformers
from transformers import AutoConfig

print("transformers", transformers.__version__)
config = {"model_type": "llama", "rope_theta": 500000.0, "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
          "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}
json.dump(config, open("config.json", "w"))
read = AutoConfig.from_pretrained(".").rope_parameters
print("given:", config, "\nread: ", read)
sys.exit(0 if read["rope_type"] == "llama3" and read["rope_theta"] == 500000.0 else 1)
PYTHON
