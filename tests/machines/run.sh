#!/bin/sh
# run.sh PROGRAM BUILD: three servers behind nginx (packages-serving.txt) and behind vLLM's router, which comes in its pinned
# version from PyPI into a virtual environment below BUILD. A server is killed under load.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$2/machines-$(cksum <"$here/requirements.txt" | cut -d' ' -f1)
if [ ! -f "$venv/complete" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
  touch "$venv/complete"
fi
"$venv/bin/python" "$here/machines_test.py" "$1" "$here/../golden/ckpt/tiny-small-f32" "$here/../../packaging/nginx.conf"
