#!/bin/sh
# run.sh PROGRAM GOLDEN BUILD: the official clients of requirements.txt, in a virtual environment below BUILD, against the
# server. The environment is made once for each version of the requirements.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$3/clients-$(cksum <"$here/requirements.txt" | cut -d' ' -f1)
if [ ! -f "$venv/complete" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
  touch "$venv/complete"
fi
"$venv/bin/python" "$here/clients_test.py" "$1" "$2/ckpt/tiny-small-f32" "$2/images/img18_dark_90x60.png"
