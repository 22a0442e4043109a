#!/usr/bin/env bash
# demo.sh BUILD: the similarities of the demo's photos and sentences, and the distance to the reference's own vectors.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:?usage: demo.sh BUILD}" && pwd)
cd "$top/demo/photos"

"$build/e5v" similarity --model "$top/tests/golden/ckpt/tiny-small-f32" \
  --image astronaut.jpg --image chelsea.jpg --image coffee.jpg --image rocket.jpg \
  --text 'An astronaut smiles in her orange suit.' --text 'A tabby cat looks into the camera.' \
  --text 'A cup of coffee on a wooden table.' --text 'A rocket takes off at night.'
echo
echo 'The weights are random (a tiny checkpoint made for tests): these similarities mean nothing, only the numbers are checked.'
"$build/demo/golden_check"
