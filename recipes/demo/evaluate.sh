#!/usr/bin/env bash
# evaluate.sh E5V WORK DATA: figures of the stages, under WORK/eval: a .json and an .html each. Part of run.sh.
set -euo pipefail
e5v=$1 work=$2 data=$3
mkdir -p "$work/eval"

# evaluate NAME MODEL TEXT_PROMPT IMAGE_PROMPT
evaluate() {
  local name=$1 model=$2 text=$3 image=$4
  [ -f "$work/eval/$name.json" ] && return
  python3 - "$work/eval/$name.suite.json" "$work/data" "$data" "$text" "$image" <<'PYTHON'
import json, pathlib, sys
suite, made, data, text, image = sys.argv[1:6]
prompts = {"text-prompt": text, "image-prompt": image}
tasks = [{"task": "retrieval", "name": source, "captions": f"{made}/{source}.jsonl", **prompts}
         for source in ("openmoji", "tuxpaint")]
tasks.append({"task": "pairs", "pairs": f"{made}/noto-openmoji.csv", "image-prompt": image})
tasks += [{"task": "gap", "captions": f"{made}/{source}.jsonl", **prompts} for source in ("openmoji", "tuxpaint")]
if pathlib.Path(data, "senteval/STS").is_dir():
    tasks.append({"task": "sts", "data": f"{data}/senteval"})
pathlib.Path(suite).write_text(json.dumps({"tasks": tasks}, indent=1))
PYTHON
  echo "== evaluation: $name" >&2
  "$e5v" eval all --suite "$work/eval/$name.suite.json" --model "$model" --store "$work/vectors" \
    --json "$work/eval/$name.json" --html "$work/eval/$name.html" | tee "$work/eval/$name.txt"
}

evaluate stage1-plain "$work/stage1/model" no-one-word-text no-one-word-image
evaluate stage1 "$work/stage1/model" text image
evaluate stage2 "$work/model" text image
