#!/usr/bin/env bash
# demo.sh BUILD [MODEL]: searches the gallery with the small model or with MODEL, draws the matches, compares another
# model's vectors with the reference's, and makes a library of the gallery.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:?usage: demo.sh BUILD [MODEL]}" && pwd)

"$build/demo/search_gallery" "${2:-$top/demo/model}" "$top/demo/gallery/gallery.jsonl" "$top/demo/queries.jsonl" \
  "$top/build/demo.png"
echo
"$build/demo/golden_check"
echo
rm -rf "$top/build/demo-library"  # of another model
"$build/demo/index_gallery" "${2:-$top/demo/model}" "$top/demo/gallery/gallery.jsonl" "$top/build/demo-library"
