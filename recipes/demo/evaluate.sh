#!/usr/bin/env bash
# evaluate.sh E5V WORK DATA: figures of the stages in WORK/eval, a .json and an .html each. Part of run.sh.
set -euo pipefail
e5v=$1 work=$2 data=$3
mkdir -p "$work/eval"

flickr8k=$data/flickr8k
if [ ! -d "$flickr8k" ] && [ -f "$data/flickr8k.tar" ]; then
  flickr8k=$work/flickr8k
  [ -f "$flickr8k/dataset_flickr8k.json" ] || tar -xf "$data/flickr8k.tar" -C "$work"
fi

# evaluate NAME MODEL TEXT_PROMPT IMAGE_PROMPT [drawn]: "drawn" adds rendered captions, which take a minute.
evaluate() {
  local name=$1 model=$2 text=$3 image=$4 drawn=${5:-}
  [ -f "$work/eval/$name.json" ] && ! grep -q '"unfinished"' "$work/eval/$name.json" && return
  python3 - "$work/eval/$name.suite.json" "$work/data" "$data" "$flickr8k" "$text" "$image" "$drawn" <<'PYTHON'
import json, pathlib, sys
suite, made, data, flickr8k, text, image, drawn = sys.argv[1:8]
prompts = {"text-prompt": text, "image-prompt": image}
tasks = [{"task": "retrieval", "name": source, "captions": f"{made}/{source}.jsonl", **prompts}
         for source in ("openmoji", "tuxpaint")]
tasks.append({"task": "pairs", "pairs": f"{made}/noto-openmoji.csv", "image-prompt": image})
tasks += [{"task": "gap", "captions": f"{made}/{source}.jsonl", **prompts} for source in ("openmoji", "tuxpaint")]
photos = {"captions": f"{flickr8k}/dataset_flickr8k.json", "images": f"{flickr8k}/test", "name": "flickr8k"}
if pathlib.Path(photos["captions"]).is_file():
    tasks += [{"task": "retrieval", **photos, **prompts}, {"task": "gap", **photos, **prompts}]
    if drawn:
        tasks.append({"task": "retrieval", **photos, "rendered-text": True, "image-prompt": image})
if pathlib.Path(data, "senteval/STS").is_dir():
    tasks.append({"task": "sts", "data": f"{data}/senteval"})
pathlib.Path(suite).write_text(json.dumps({"tasks": tasks}, indent=1))
PYTHON
  echo "== evaluation: $name" >&2
  "$e5v" eval all --suite "$work/eval/$name.suite.json" --model "$model" --store "$work/vectors" \
    --json "$work/eval/$name.json" --html "$work/eval/$name.html" | tee "$work/eval/$name.txt"
}

evaluate stage1-plain "$work/stage1-end/model" no-one-word-text no-one-word-image
evaluate stage1 "$work/stage1-end/model" text image
evaluate stage2 "$work/model" text image drawn
