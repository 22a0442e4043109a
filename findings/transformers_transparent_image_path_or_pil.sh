#!/usr/bin/env bash
# transformers: the image processor of LLaVA-NeXT lays a transparent PIL image on white, but drops the alpha of the same image when it is
# given as a path: then the colours that lie hidden under transparent pixels become visible. So one file has two vectors.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.15.0 transformers==5.24.0 pillow==13.0.0
cd "$folder" && "$folder/venv/bin/python" - <<'PYTHON'
import sys
import PIL, transformers
from PIL import Image
from transformers import LlavaNextImageProcessorPil

print("transformers", transformers.__version__, "Pillow", PIL.__version__)
Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save("transparent.png")  # red, and wholly transparent
processor = LlavaNextImageProcessorPil(do_normalize=False, size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336})
as_path = processor(images="transparent.png", return_tensors="pt").pixel_values[0, 0, :, 168, 168]
as_image = processor(images=Image.open("transparent.png"), return_tensors="pt").pixel_values[0, 0, :, 168, 168]
print("the middle pixel (R, G, B from 0 to 1): given as a path", as_path.tolist(), ", as a PIL image", as_image.tolist())
sys.exit(0 if as_path.tolist() == [1, 0, 0] and as_image.tolist() == [1, 1, 1] else 1)
PYTHON
