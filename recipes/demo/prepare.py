"""prepare.py PICTURES NLI OUTPUT [SEED]: writes all data of the recipe's training and evaluation.

PICTURES holds captions.jsonl and a folder of drawings for each source; NLI is a CSV of sent0, sent1, hard_neg. Writes
files of pairs, files for `e5v eval`, and tokenizer.json. No training data come from the held-out sources."""
import csv
import json
import pathlib
import random
import re
import sys

import tokenizer

TRAINED = {"noto", "fluent", "twemoji", "openclipart"}  # Apache-2.0, MIT, CC-BY-4.0, CC0
HELD_OUT = {"openmoji", "tuxpaint"}
VOCABULARY = 4096
TEXTS_OF_A_DRAWING = {"openclipart": 2}  # other sources have 4, because their captions describe the drawing
# Captions of Openclipart that name a collection, and keywords that do not describe the drawing.
COLLECTIONS = {"lemon svg theme", "etiquette icons", "aiga_symbol_signs", "card", "various cliparts", "svg road signs",
               "people", "blueberry - iconset", "gold-theme", "r16 sibmission", "advertising", "map symbols",
               "homes clipart", "simple arrows", "plastik-icon-theme", "sallite", "gramastar", "stick man",
               "road signs", "icon", "icons"}
NOISE = {"hash", "unsorted", "lemon_theme_icon", "theme", "icons", "icon", "application", "work", "mapsym", "shape",
         "signs_and_symbols", "united_nations_member", "mimetypes", "mime-types", "filesystem", "appicon", "menu",
         "webpage", "magick", "geometry", "bordered", "simple", "desktop"}
CREATORS = re.compile(r"architetto|francesc|franc|rollandin|_\w{1,7}_$")


def plain(text):
    return re.sub(r"\s+", " ", text.replace("_", " ").replace("-", " ").strip(" .!")).lower()


def file_words(row):
    """The words of the file's name, without folders, numbers and the beginnings of creators' names."""
    words = re.sub(r"[-_]+", " ", CREATORS.sub("", row["id"])).split()
    return [w for w in words if not w.isdigit() and len(w) > 1]


def describe(row):
    """A drawing's caption and keywords, or None when nothing useful is known."""
    caption, words = row["caption"], [plain(k) for k in row["keywords"] if k not in NOISE and len(k) < 30]
    if row["source"] != "openclipart":
        return caption, words
    if caption.lower() == "gramastar":  # 1,375 stars with different numbers of points
        return None
    if caption.lower() in COLLECTIONS:
        named = file_words(row)
        if not named:
            return None
        caption = " ".join(named[-2:])
    caption = plain(caption)
    return (caption, words) if re.search(r"[a-z]", caption) else None


def group_of(row, caption):
    """The group of drawings of the same thing: the code points of emoji, the caption of others."""
    return row["id"] if row["source"] != "openclipart" else caption


def sentences(caption, words, rng, count):
    """The caption, and variants of it with some of the keywords."""
    words = [w for w in words if w and w not in caption.lower()]
    made = [caption]
    while len(made) < count:
        some = rng.sample(words, min(len(words), rng.randint(1, 3)))
        made.append(rng.choice([
            caption, f"{caption}: {', '.join(some)}" if some else f"a drawing of {caption}",
            f"{', '.join(some)}" if len(some) > 1 else caption, f"{' '.join(some)} {caption}" if some else caption,
            f"a picture of {caption}", f"a {caption}", f"the {caption}"]))
    return made


def write_rows(path, columns, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def write_lines(path, items):
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")


def training_files(rows, folder, output, rng):
    known = [(row, *described) for row in rows if (described := describe(row))]
    pictures, by_id = [], {}
    for row, caption, words in known:
        by_id.setdefault(row["id"], []).append(row)
        group = group_of(row, caption)
        for sentence in sentences(caption, words, rng, TEXTS_OF_A_DRAWING.get(row["source"], 4)):
            pictures.append([folder / row["file"], sentence, group])
    write_rows(output / "pictures.csv", ["image0", "sent1", "group"], pictures)
    drawings = []
    for identity, same in by_id.items():
        for i, a in enumerate(same):
            for b in same[i + 1:]:
                drawings += [[folder / x["file"], folder / y["file"], identity] for x, y in ((a, b), (b, a))]
    write_rows(output / "drawings.csv", ["image0", "image1", "group"], drawings)
    # If only one artist has drawn a thing, the other drawing is the same one with other random changes.
    write_rows(output / "alone.csv", ["image0", "image1", "group"],
               [[folder / row["file"], folder / row["file"], caption]
                for row, caption, _ in known if row["source"] == "openclipart"])
    composed = composed_rows(rows, folder, rng, 6)
    write_rows(output / "composed.csv", ["image0", "sent0", "image1", "group"], composed)
    names = {}
    for _, caption, words in known:
        if words:
            names[caption] = words
    texts = []
    for caption, words in names.items():
        for _ in range(2):
            some = rng.sample(words, min(len(words), 4))
            texts.append([caption, ", ".join(some), caption])
    write_rows(output / "names.csv", ["sent0", "sent1", "group"], texts)
    return [(sentence, 1) for _, sentence, _ in pictures] + [(t, 1) for row in texts for t in row[:2]]


def as_phrase(name, rng):
    """A name as people write it: with an article, as a sentence, or both."""
    article = "an" if name[:1].lower() in "aeiou" else "a"
    return rng.choice([f"{name}.", f"{article} {name}", f"{article} {name}.", f"the {name}.", f"some {name}."])


def phrases_file(rows, folder, output, rng):
    """Each drawing with its name and one of its keywords as phrases."""
    phrases = []
    for row in rows:
        if described := describe(row):
            caption, words = described
            for name in [caption, *rng.sample(words, min(len(words), 1))]:
                phrases.append([folder / row["file"], as_phrase(name, rng), group_of(row, caption)])
    write_rows(output / "phrases.csv", ["image0", "sent1", "group"], phrases)


def changes(names):
    """Pairs of names that differ in one word, which is replaced or added: (from, to, the name of the change)."""
    split = {name: re.findall(r"[\w-]+", name.lower()) for name in names}
    places = {}
    for name, words in split.items():
        for i in range(len(words)):
            places.setdefault((*words[:i], "*", *words[i + 1:]), []).append((name, words[i]))
    found = []
    for shape, members in places.items():
        if len(shape) > 1:
            found += [(a, b, word) for a, _ in members for b, word in members if a != b]
        whole = " ".join(w for w in shape if w != "*")
        found += [(a, b, word) for b, word in members for a in split if " ".join(split[a]) == whole and a]
    return sorted(set(found))


def composed_rows(rows, folder, rng, most):
    """A drawing and a word, and the drawing that the word makes of it. The artists may differ."""
    by_name = {}
    for row in rows:
        if row["source"] != "openclipart" and not row["caption"].startswith("flag"):
            by_name.setdefault(row["caption"], []).append(row)
    every = changes(by_name)
    rng.shuffle(every)
    made, of_target = [], {}
    for a, b, word in every:
        of_target[b] = of_target.get(b, 0) + 1
        if of_target[b] > most:
            continue
        for target in rng.sample(by_name[b], min(2, len(by_name[b]))):
            made.append([folder / rng.choice(by_name[a])["file"], word, folder / target["file"], target["id"]])
    return made


def evaluation_files(rows, folder, output):
    def captioned(source):
        return [{"image": str(folder / r["file"]), "captions": [r["caption"]]} for r in rows if r["source"] == source]
    for source in sorted(HELD_OUT):
        write_lines(output / f"{source}.jsonl", captioned(source))
    openmoji = {r["id"]: r["file"] for r in rows if r["source"] == "openmoji"}
    write_rows(output / "noto-openmoji.csv", ["image0", "image1"],
               [[folder / r["file"], folder / openmoji[r["id"]]] for r in rows
                if r["source"] == "noto" and r["id"] in openmoji])


def gallery_files():
    """The drawings of the demo's gallery, which are not trained on, either."""
    gallery = pathlib.Path(__file__).resolve().parents[2] / "demo" / "gallery" / "gallery.jsonl"
    return {json.loads(line)["file"] for line in gallery.open(encoding="utf-8")}


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: prepare.py PICTURES NLI OUTPUT [SEED]")
    pictures, nli, output = (pathlib.Path(p).resolve() for p in sys.argv[1:4])
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    output.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in (pictures / "captions.jsonl").open(encoding="utf-8")]
    shown = gallery_files()
    drawn = [r for r in rows if r["source"] in TRAINED and r["file"] not in shown]
    texts = training_files(drawn, pictures, output, rng)
    phrases_file(drawn, pictures, output, rng)
    evaluation_files(rows, pictures, output)
    sentences_of_nli = list(csv.reader(nli.open(encoding="utf-8")))[1:]
    write_rows(output / "nli.csv", ["sent0", "sent1", "hard_neg"], sentences_of_nli)
    texts += [(s, 1) for row in sentences_of_nli for s in row]
    tokenizer.write(output / "tokenizer.json", texts, VOCABULARY)
    print(f"{output}: {len(texts)} texts, a vocabulary of {VOCABULARY}")


main()
