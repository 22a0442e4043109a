#!/usr/bin/env bash
# demo_recipe.sh E5V SEARCH_GALLERY: the recipe of the small model, from its data to its figures, over a handful of
# drawings; then the same again, which must find all done; then a search with what came out.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
e5v=$1 search=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "demo_recipe: $*" >&2; exit 1; }

python3 - "$top/demo/gallery" "$work/data" <<'PYTHON'
"""A drawing of each thing stands for what four sources drew of it."""
import json, pathlib, shutil, sys
gallery, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
lines = []
names = {"red apple", "green apple", "blue heart", "green heart", "blue book", "green book", "cat", "dog", "rocket", "bus",
         "house", "castle"}
for item in map(json.loads, (gallery / "gallery.jsonl").open(encoding="utf-8")):
    if item["caption"] not in names:
        continue
    for source in ("noto", "fluent", "twemoji", "openclipart", "openmoji", "tuxpaint"):
        file = f"{source}/{pathlib.Path(item['image']).stem}-copy.jpg"
        (data / "pictures" / source).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(gallery / item["image"], data / "pictures" / file)
        lines.append(json.dumps({"file": file, "source": source, "id": pathlib.Path(item["file"]).stem,
                                 "caption": item["caption"], "keywords": ["thing", "drawing", "seen"], "licence": "any"}))
(data / "pictures" / "captions.jsonl").write_text("\n".join(lines) + "\n")
(data / "nli").mkdir()
(data / "nli" / "nli_triplets.csv").write_text("sent0,sent1,hard_neg\n" + "".join(
    f"A man has {n} apples .,A person has {n} fruits .,Nobody has {n} fruits .\n" for n in range(300)))
PYTHON

run() { PLAN=${1:-short} EPOCHS=1 "$top/recipes/demo/run.sh" "$(dirname "$e5v")" "$work/data" "$work/work" >"$work/log" 2>&1; }
run || { cat "$work/log" >&2; fail 'the recipe failed'; }
for file in data/tokenizer.json stage0/model/config.json stage1/model/model.safetensors stage1-end/model/config.json \
  stage2/adapter/adapter_config.json model/config.json eval/stage1-plain.json eval/stage1.html eval/stage2.json; do
  [ -s "$work/work/$file" ] || fail "no $file"
done
if grep -l -e openmoji -e tuxpaint "$work"/work/data/{pictures,phrases,drawings,alone,composed,names,nli}.csv; then
  fail 'held-out drawings are trained on'
fi
wrong=$(tail -n +2 "$work/work/data/phrases.csv" | tr -d '\r' | cut -d, -f2 | grep -vE '^(an?|the|some) .*|^[a-z].*\.$' || true)
[ -z "$wrong" ] || fail "these are no phrases: $wrong"
[ "$(grep -cE ',an? [a-z ]*\.?,' "$work/work/data/phrases.csv")" -gt 0 ] || fail 'no phrase has an article'
[ "$("$e5v" tokenize --model "$work/work/model" --text '<|eot_id|>' --no-special | awk '{print $1}')" = 4094 ] ||
  fail 'special tokens are not where config.json has them'

sum() { find "$work/work" -name '*.safetensors' -o -name '*.json' | sort | xargs sha256sum; }
sum >"$work/before"
run || fail 'the second call failed'
sum | cmp - "$work/before" || fail 'the second call made something anew'
run full && fail 'a folder that another plan has begun was taken'
grep -q 'was begun with SEED=1 PLAN=short EPOCHS=1, this is SEED=1 PLAN=full' "$work/log" || fail 'the plans are not told'

"$search" "$work/work/model" "$top/demo/gallery/gallery.jsonl" "$top/demo/queries.jsonl" "$work/sheet.png" >"$work/found"
[ "$(grep -c '^  ' "$work/found")" = 28 ] || fail 'not seven matches for each of four queries'
[ "$(head -c 4 "$work/sheet.png" | tail -c 3)" = PNG ] || fail 'the contact sheet is no PNG'
"$search" "$work/work/model" "$top/demo/gallery/gallery.jsonl" "$work/none.jsonl" "$work/sheet.png" 2>"$work/error" &&
  fail 'a missing file of queries was taken'
grep -q 'none.jsonl' "$work/error" || fail 'the error does not name the missing file'

if "$top/recipes/demo/run.sh" "$(dirname "$e5v")" "$work/nothing" "$work/other" 2>"$work/error"; then
  fail 'a missing data folder was taken'
fi
grep -q "run.sh: no folder $work/nothing" "$work/error" || fail 'the error does not name the missing data folder'
for wrong in EPOCHS=x SEED=x PLAN=x PROCESSES=0; do
  if env "$wrong" "$top/recipes/demo/run.sh" "$(dirname "$e5v")" "$work/data" "$work/other" 2>"$work/error"; then
    fail "$wrong was taken"
  fi
  grep -q "run.sh: ${wrong%=*} is '${wrong#*=}'" "$work/error" || fail "the error does not name $wrong"
done
