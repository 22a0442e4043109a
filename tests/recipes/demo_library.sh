#!/usr/bin/env bash
# demo_library.sh E5V INDEX_GALLERY: the library that make demo makes has all drawings, named by their captions, and
# `e5v search` finds what is asked for in it.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
e5v=$1 index=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "demo_library: $*" >&2; exit 1; }
export E5V_DEVICE=cpu

for run in first second; do  # the second run has nothing to compute
  said=$("$index" "$top/demo/model" "$top/demo/gallery/gallery.jsonl" "$work/demo")
  [[ $said == "330 drawings are indexed in "* ]] || fail "the $run run says: $said"
done
found=$("$e5v" search --library "$work/demo/library" 'a violin' --top 1 --format paths)
[ "$found" = "$work/demo/drawings/violin.jpg" ] || fail "the first match of a violin is $found"
"$e5v" search --library "$work/demo/library" 'a violin' --top 1 --format json | grep -q '"percentile":99.9' ||
  fail "the first match of a violin has no high percentile"
