#!/usr/bin/env bash
# run.sh SECONDS [TARGET...]: runs the fuzzers, each for that long, as many at a time as there are cores.
# A corpus begins with files of tests/golden and tests/fuzz/seeds, and grows in build/fuzz/corpus/TARGET from run to run.
# An input that is a finding is left in build/fuzz/findings, and the exit code is 1. E5V_FUZZ_BUILD: another build folder.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
golden=$top/tests/golden
build=${E5V_FUZZ_BUILD:-$top/build/fuzz}
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
if [ $# -eq 0 ]; then
  for source in "$top"/tests/fuzz/*_fuzz.cpp; do set -- "$@" "$(basename "$source" _fuzz.cpp)"; done
fi
mkdir -p "$build/findings" "$build/logs"

plant() {  # target: copies its seeds into its corpus
  local corpus=$build/corpus/$1 seeds=$top/tests/fuzz/seeds/$1 folder
  mkdir -p "$corpus"
  [ ! -d "$seeds" ] || cp "$seeds"/* "$corpus"
  case $1 in
    safetensors) cp "$golden"/embed/images_exif_small_f32.safetensors "$corpus" ;;
    config) for folder in "$golden"/ckpt/*/; do cp "$folder/config.json" "$corpus/$(basename "$folder").json"; done ;;
    png) find "$golden/images" -name '*.png' -size -6k -exec cp -t "$corpus" {} + ;;  # large images slow every run
  esac
}

fuzz() {  # target: runs it, says in one line how it went
  local log=$build/logs/$1.log runs
  plant "$1"
  # A hang and a huge allocation are findings, too.
  if "$build/tests/fuzz/$1_fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=256 \
    -print_final_stats=1 -artifact_prefix="$build/findings/$1-" "$build/corpus/$1" > "$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "$1: $runs runs in $seconds s, no finding"
  else
    echo "$1: FINDING, see $log" >&2
    grep -m 3 -E '^(SUMMARY|==[0-9]+== ?ERROR|.*runtime error)|Test unit written' "$log" >&2 || true
    return 1
  fi
}

failed=0
for target in "$@"; do
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || failed=1; done
  fuzz "$target" &
done
while [ -n "$(jobs -p)" ]; do wait -n || failed=1; done
exit $failed
