"""choose_gallery.py PICTURES GALLERY: copies the gallery's drawings and writes gallery.jsonl next to them.

There is one drawing of each thing, alternately by one of three vendors. prepare.py keeps these drawings out of the
training."""
import json
import pathlib
import random
import re
import shutil
import sys

VENDORS = ["noto", "fluent", "twemoji"]
SIZE = 330
# The things that the queries of `make demo` ask for, and similar ones.
WANTED = {"dog face", "red apple", "fire engine", "red heart", "blue heart", "green heart", "green apple", "police car",
          "ambulance", "cat face", "cat", "dog", "birthday cake", "snowman", "umbrella with rain drops", "sun",
          "crying face", "crying cat", "hot beverage", "sailboat", "rocket", "airplane", "bicycle", "guitar", "violin",
          "red car", "automobile", "strawberry", "cherries", "grinning cat", "snowflake", "crescent moon", "octopus",
          "man firefighter", "woman firefighter", "soccer ball", "basketball", "rose", "tulip", "house", "castle",
          "blue book", "green book", "orange book", "man astronaut", "woman astronaut", "horse", "elephant", "penguin"}

# Many variants of one thing, and things that do not suit everyone.
LEFT_OUT = re.compile(r":|keycap|o’clock|thirty|button"
                      r"|person|\bman\b|\bwoman\b|\bmen\b|women|arrow|finger|poo\b|vomit")


def main():
    pictures, gallery = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    rows = [json.loads(line) for line in (pictures / "captions.jsonl").open(encoding="utf-8")]
    drawn = {}
    for row in rows:
        if row["source"] in VENDORS:
            drawn.setdefault(row["id"], {})[row["source"]] = row
    every = {i: by for i, by in drawn.items() if len(by) == len(VENDORS)}
    name = {i: by["noto"]["caption"] for i, by in every.items()}
    plain = [i for i in sorted(every) if not LEFT_OUT.search(name[i])]
    wanted = [i for i in sorted(every) if name[i] in WANTED]
    others = [i for i in plain if i not in wanted]
    random.Random(1).shuffle(others)
    chosen = sorted(wanted + others[:SIZE - len(wanted)])
    lines = []
    for place, identity in enumerate(chosen):
        row = every[identity][VENDORS[place % len(VENDORS)]]
        file = f"{row['source']}-{identity}.jpg"
        shutil.copyfile(pictures / row["file"], gallery / file)
        lines.append(json.dumps({"image": file, "caption": row["caption"], "file": row["file"], "licence": row["licence"]},
                                ensure_ascii=False))
    (gallery / "gallery.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
