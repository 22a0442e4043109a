#!/bin/sh
# environment.sh BUILD REQUIREMENTS: makes a virtual environment of a file of requirements below BUILD, unless it is there,
# and prints its folder. The folder is named after the content of the file.
set -eu
requirements=$(cd "$(dirname "$0")" && pwd)/$2
venv=$1/clients-$(cksum <"$requirements" | cut -d' ' -f1)
if [ ! -f "$venv/complete" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  # Python compiles what is imported, which is a small part.
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile --requirement "$requirements" >&2
  touch "$venv/complete"
fi
echo "$venv"
