#!/bin/sh
# run.sh PROGRAM BUILD [PICTURES]: drives the pages of the server with the Chromium of packages-serving.txt, by the pinned
# versions of Playwright and axe in a virtual environment below BUILD. With a folder, it writes the pictures of the pages in
# docs/serving.md and docs/search.md into it.
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
if [ $# -gt 0 ]; then
  "$venv/bin/python" "$here/page_test.py" "$program" "$here/../../demo" "$1/page.png"
else
  "$venv/bin/python" "$here/page_test.py" "$program" "$here/../../demo"
fi
"$venv/bin/python" "$here/library_test.py" "$program" "$here/../../demo" "$@"
