#!/usr/bin/env bash
# demo_model.sh E5V SEARCH_GALLERY: the small model that comes with the repository is as large as it may be, finds what the
# demo asks for, and knows most of the gallery's drawings, which it was not trained on, by their names.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
e5v=$1 search=$2 model=$top/demo/model gallery=$top/demo/gallery
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "demo_model: $*" >&2; exit 1; }
export E5V_DEVICE=cpu

size=$(cat "$model"/* | wc -c)
[ "$size" -le 12000000 ] || fail "$size bytes, expected 12,000,000 at most"

"$search" "$model" "$gallery/gallery.jsonl" "$top/demo/queries.jsonl" "$work/sheet.png" > "$work/found"
first=$(awk '/^[^ ]/ { query = 1; next } query { query = 0; $1 = ""; print substr($0, 2) }' "$work/found")
expected=$'crying face\npolice car\nviolin\nblue heart'
[ "$first" = "$expected" ] || fail "first matches are: $first"

sed 's/"caption": \("[^"]*"\), .*/"captions": [\1]}/' "$gallery/gallery.jsonl" > "$work/gallery.jsonl"
"$e5v" eval retrieval --captions "$work/gallery.jsonl" --images "$gallery" --model "$model" --store "$work/store" \
  > "$work/figures"
# recall NAME LEAST
recall() {
  awk -v name="$1" -v least="$2" 'index($0, name " ") == 1 { found = 1; split(substr($0, length(name) + 1), f, " ")
    if (f[1] < least) { print "demo_model: " name " is " f[1] ", expected " least " or more"; exit 1 } }
    END { if (!found) { print "demo_model: no " name; exit 1 } }' "$work/figures" >&2
}
recall 'text to image R@1' 70
recall 'image to text R@1' 70
