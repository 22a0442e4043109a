"""Photos for a comparison: different JPEG files of one size, made from one file."""

import random
from pathlib import Path

from PIL import Image


def write_photos(source, folder, count, size=(640, 480)):
    """Paths of `count` files in `folder`, each another part of `source`, scaled to `size`; the same ones every time."""
    chance, paths = random.Random(0), []
    with Image.open(source) as opened:
        photo = opened.convert("RGB")
    for i in range(count):
        share = chance.uniform(0.5, 0.95)
        width, height = round(share * photo.width), round(share * photo.height)
        left, top = chance.randint(0, photo.width - width), chance.randint(0, photo.height - height)
        paths.append(str(Path(folder).resolve() / f"photo_{i:04}.jpg"))
        photo.resize(size, Image.BICUBIC, (left, top, left + width, top + height)).save(paths[-1], quality=90)
    return paths
