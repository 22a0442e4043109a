#!/bin/bash
# A run of training that is killed at random moments and resumed ends with the losses of one that was not.
# usage: kill_and_resume.sh PROGRAM CHECKPOINT [KILLS [SEED]]
set -u
program=$1 checkpoint=$2 kills=${3:-20}
RANDOM=${4:-1}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

{
  echo sent0,sent1,hard_neg
  for i in $(seq 60); do
    echo "Sentence $i is here and says $((i * 7919 % 1009)).,\"Number $i, in other words.\",Nothing of $i."
  done
} > "$work/pairs.csv"

recipe=("$program" train --model "$checkpoint" --pairs "$work/pairs.csv" --batch 8 --micro-batch 4 --steps 40 --warmup 5
  --lr 1e-3 --rank 4 --held-out 8 --evaluate-every 10 --save-every 1 --keep 2)
losses() { sed 's/"tokens_per_second":[^,}]*//' "$1/metrics.jsonl"; }
fail() {
  echo "$1" >&2
  tail -n 5 "$work/log" >&2
  exit 1
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
begin=$(milliseconds)
"${recipe[@]}" --output "$work/whole" 2>> "$work/log" || fail 'the whole run failed'
span=$(($(milliseconds) - begin))
begin=$(milliseconds)
"${recipe[@]}" --output "$work/whole" --resume 2>> "$work/log" || fail 'a run that is over cannot be resumed'
start=$(($(milliseconds) - begin))

done_kills=0
while [ "$done_kills" -lt "$kills" ]; do
  "${recipe[@]}" --output "$work/killed" --resume 2>> "$work/log" & pid=$!
  # From the first moment on, and on the average a little short of a kill's share of the run, which may be over before
  # its last kill all the same: then it begins anew.
  pause=$(((RANDOM * 32768 + RANDOM) % (start + 2 * span / kills)))
  sleep "$(printf '%d.%03d' $((pause / 1000)) $((pause % 1000)))"
  if kill -KILL $pid 2>/dev/null; then
    wait $pid 2>/dev/null
    done_kills=$((done_kills + 1))
  else
    wait $pid || fail 'a resumed run failed'
    rm -rf "$work/killed"
  fi
done
"${recipe[@]}" --output "$work/killed" --resume 2>> "$work/log" || fail 'the resumed run failed'

diff <(losses "$work/whole") <(losses "$work/killed") > "$work/diff" || { head -n 6 "$work/diff" >&2; fail 'losses differ'; }
cmp "$work/whole/adapter/adapter_model.safetensors" "$work/killed/adapter/adapter_model.safetensors" || fail 'adapters differ'
[ "$(losses "$work/killed" | wc -l)" -eq 40 ] || fail 'steps are missing'
echo "$done_kills kills, 40 steps, the same losses and adapter"
