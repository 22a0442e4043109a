#!/usr/bin/env bash
# demo.sh BUILD: searches the gallery with the small model, draws what was found, and compares another model's vectors with
# the reference's own.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:?usage: demo.sh BUILD}" && pwd)
model=$top/demo/model
[ -f "$model/config.json" ] || model=$top/build/demo-model/model

if [ -f "$model/config.json" ]; then
  "$build/demo/search_gallery" "$model" "$top/demo/gallery/gallery.jsonl" "$top/demo/queries.jsonl" "$top/build/demo.png"
  echo
else
  cd "$top/demo/photos"
  "$build/e5v" similarity --model "$top/tests/golden/ckpt/tiny-small-f32" \
    --image astronaut.jpg --image chelsea.jpg --image coffee.jpg --image rocket.jpg \
    --text 'An astronaut smiles in her orange suit.' --text 'A tabby cat looks into the camera.' \
    --text 'A cup of coffee on a wooden table.' --text 'A rocket takes off at night.'
  echo
  echo 'The weights are random (a tiny checkpoint made for tests): these similarities mean nothing, only the numbers are checked.'
  echo 'make demo-model trains a model that means something; then make demo searches a gallery with it.'
fi
"$build/demo/golden_check"
