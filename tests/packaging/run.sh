#!/bin/sh
# run.sh PROGRAM: systemd reads the units of packaging/ without a complaint and calls them confined, their options and those of
# the Dockerfile exist, and the image gets every library of the program.
set -eu
packaging=$(cd "$(dirname "$0")/../../packaging" && pwd)
program=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "packaging: $*" >&2
  exit 1
}

# The program is not installed where the unit has it.
sed "s#/usr/local/bin/e5v#$program#" "$packaging/e5v.service" >"$work/e5v.service"
cp "$packaging/e5v.socket" "$work"
mkdir "$work/e5v.service.d"
complaints=$(systemd-analyze verify "$work/e5v.service" "$work/e5v.socket" 2>&1) || fail "systemd-analyze failed: $complaints"
[ -z "$complaints" ] || fail "systemd complains: $complaints"
systemd-analyze security --offline=yes --threshold=20 "$work/e5v.service" >"$work/security" || fail "$(tail -1 "$work/security")"
cp "$packaging/gpu.conf" "$work/e5v.service.d"
complaints=$(systemd-analyze verify "$work/e5v.service" 2>&1) || fail "systemd-analyze failed: $complaints"
[ -z "$complaints" ] || fail "systemd complains about gpu.conf: $complaints"

help=$("$program" serve --help)
for option in $(grep -ohE -- '--(model|key-file|listen|open)\b' "$packaging/e5v.service" "$packaging/Dockerfile" | sort -u); do
  echo "$help" | grep -q -- "$option" || fail "e5v serve has no option $option"
done

build=$(dirname "$program")
for target in $(sed -n 's/.*--target \([a-z0-9_ ]*\).*/\1/p' "$packaging/Dockerfile"); do
  ninja -C "$build" -t query "$target" >/dev/null 2>&1 || fail "the Dockerfile builds $target, which is no target"
done

objects="$program $(find "$build" -maxdepth 1 -name 'e5v_*.so' ! -name e5v_mpi.so)"  # a server needs no MPI
# shellcheck disable=SC2086
for library in $(readelf --dynamic $objects | sed -n 's/.*NEEDED.*\[\(.*\)\].*/\1/p' | sort -u); do
  file=$(ldd $objects | awk -v library="$library" '$1 == library { print $3; exit }')
  [ -n "$file" ] || continue  # the loader itself
  package=$(dpkg-query --search "$(realpath "$file")" "*/$library" 2>/dev/null | grep -v i386 | head -1 | cut -d: -f1)
  case $package in libc6 | libgcc-s1 | libstdc++6 | zlib1g) continue ;; esac  # dependencies of the others
  grep -q "^$package\b" "$packaging/packages-run.txt" || fail "packages-run.txt lacks $package, which has $library"
done
echo "packaging: $(tail -1 "$work/security" | sed 's/^[^A-Za-z]*//')"
