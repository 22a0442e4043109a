#!/usr/bin/env bash
# demo.sh BUILD [MODEL]: searches the gallery with the small model or with MODEL, draws the matches, and compares
# another model's vectors with the reference's.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:?usage: demo.sh BUILD [MODEL]}" && pwd)

"$build/demo/search_gallery" "${2:-$top/demo/model}" "$top/demo/gallery/gallery.jsonl" "$top/demo/queries.jsonl" \
  "$top/build/demo.png"
echo
"$build/demo/golden_check"
