#!/bin/sh
# run.sh PROGRAM GOLDEN BUILD REQUIREMENTS TEST...: runs tests of this folder with the packages of REQUIREMENTS. A TEST is
# the name of a file, and may have arguments after it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=$1 golden=$2
venv=$("$here/environment.sh" "$3" "$4")
shift 4
for test in "$@"; do
  echo "== $test"
  arguments=${test#*.py}
  # shellcheck disable=SC2086
  "$venv/bin/python" -W ignore::ResourceWarning "$here/${test%%.py*}.py" "$program" "$golden/ckpt/tiny-small-f32" \
    "$golden/images/img18_dark_90x60.png" $arguments
done
