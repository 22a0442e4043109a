#!/bin/sh
# run.sh PROGRAM BUILD [SCREENSHOT]: drives the page of the server with the Chromium of packages-serving.txt, by the pinned
# version of Playwright in a virtual environment below BUILD. With a file name, it writes the picture of docs/serving.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$2/page-$(cksum <"$here/requirements.txt" | cut -d' ' -f1)
if [ ! -f "$venv/complete" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
  touch "$venv/complete"
fi
program=$1
shift 2
"$venv/bin/python" "$here/page_test.py" "$program" "$here/../../demo" "$@"
