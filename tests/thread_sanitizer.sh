#!/bin/sh
# thread_sanitizer.sh BUILD: the tests of our own threads, under ThreadSanitizer. libgomp is not built for it, and its
# barriers would count as races. So the pool has one thread: then no OpenMP thread exists, and a report is a race of ours.
set -eu
tests=$1/tests
export OMP_THREAD_LIMIT=1 E5V_DEVICE=cpu
export TSAN_OPTIONS="suppressions=$(cd "$(dirname "$0")" && pwd)/thread_sanitizer.txt"

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# run PROGRAM FILTER: fails when nothing is selected, too.
run() {
  "$tests/$1" --gtest_brief=1 --gtest_filter="$2" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  if grep -q ' 0 tests' "$log"; then
    echo "thread_sanitizer: $1 has no tests that match $2" >&2
    exit 1
  fi
  tail -n 2 "$log"
}

run base/test_base '*ReadAhead*'
run embed/test_embed '*Stream*'
run scheduler/test_scheduler '*'
run api/test_api '*Stream*:Submitting*'
run net/test_net '*'
run serve/test_serve '*'
run text/test_text '*ManyThreads*'
run drawing/test_drawing '*ManyThreads*'
