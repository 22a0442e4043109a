#!/usr/bin/env bash
# install_packages.sh [LIST...]: installs the missing Debian packages of the lists. A list holds one package per line,
# and # begins a comment. Without arguments the list is packages.txt.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- "$top/packages.txt"

for list in "$@"; do
  [ -r "$list" ] || { echo "install_packages: cannot read $list" >&2; exit 2; }
done
mapfile -t wanted < <(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@" | sort -u)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "install_packages: this is no Debian system. Install the software of these Debian 12 packages:" >&2
  echo "  ${wanted[*]}" >&2
  echo "then build with: cmake --preset release && cmake --build --preset release" >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "packages: all ${#wanted[@]} are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install_packages: root or sudo is needed to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "packages: installing ${missing[*]}"
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends install "${missing[@]}")
# The package lists of a machine in use are usually recent enough; a bare machine has none.
"${install[@]}" >/dev/null 2>&1 || { "${as_root[@]}" apt-get -qq update && "${install[@]}" >/dev/null; }
echo "packages: all ${#wanted[@]} are installed"
