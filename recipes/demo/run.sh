#!/usr/bin/env bash
# run.sh BUILD DATA WORK: makes the small E5-V of demo/model from random weights, in stages. A finished stage is not
# repeated, and an interrupted stage continues.
#
# BUILD has e5v; DATA holds pictures.tar (or pictures/) and nli/nli_triplets.csv; WORK gets all results and logs. A GPU
# is used if there is one, unless E5V_DEVICE=cpu. Optional variables: SEED (1); PLAN, by default "full" on a GPU, which
# takes minutes, and otherwise "short", a smaller tower and fewer pairs, which takes two hours on two cores; EPOCHS of
# stage 1 (25 or 5.6); PROCESSES (one for each core, at most 8, if there is mpirun).
set -euo pipefail
[ $# -eq 3 ] || { echo 'usage: run.sh BUILD DATA WORK' >&2; exit 2; }
say() { echo "== $*" >&2; }
fail() { echo "run.sh: $*" >&2; exit 1; }
[ -x "$1/e5v" ] || fail "no program $1/e5v; make build makes it"
here=$(cd "$(dirname "$0")" && pwd)
e5v=$(cd "$1" && pwd)/e5v data=$2 work=$3
find_device() { [ -f "$(dirname "$e5v")/e5v_cuda.so" ] && nvidia-smi -L > /dev/null 2>&1 && echo cuda || echo cpu; }
device=${E5V_DEVICE:-$(find_device)}
export E5V_DEVICE=$device
seed=${SEED:-1} plan=${PLAN:-$([[ $device == cpu ]] && echo short || echo full)}
case $plan in
  full) shape=config.json batch=512 epochs=25 rate=2.5e-3 end_rate=8e-4 ;;
  short) shape=config-short.json batch=256 epochs=5.6 rate=2e-3 end_rate=6e-4 ;;
  *) fail "PLAN is '$plan', expected full or short" ;;
esac
epochs=${EPOCHS:-$epochs}

[[ $epochs =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "EPOCHS is '$epochs', expected a number"
[[ $seed =~ ^[0-9]+$ ]] || fail "SEED is '$seed', expected a whole number"
[[ ${PROCESSES:-1} =~ ^[1-9][0-9]*$ ]] || fail "PROCESSES is '$PROCESSES', expected a number of processes"
[ -d "$data" ] || fail "no folder $data; see docs/demo-model.md for what it holds"
mkdir -p "$work"
data=$(cd "$data" && pwd) work=$(cd "$work" && pwd)
pictures=$data/pictures
if [ ! -d "$pictures" ]; then
  [ -f "$data/pictures.tar" ] || fail "neither pictures/ nor pictures.tar in $data"
  pictures=$work/pictures
  if [ ! -d "$pictures" ]; then
    rm -rf "$work/unpacked" && mkdir "$work/unpacked"
    tar -xf "$data/pictures.tar" -C "$work/unpacked"
    mv "$work/unpacked/pictures" "$pictures" && rmdir "$work/unpacked"
  fi
fi
[ -f "$data/nli/nli_triplets.csv" ] || fail "no nli/nli_triplets.csv in $data"

# Processes that share each batch keep all cores busy. The threads of one process do not in so small a model. A GPU has
# one process.
cores=$(nproc)
[[ $device == cpu ]] || PROCESSES=1
processes=${PROCESSES:-$((cores < 8 ? cores : 8))}
launch=()
if [ "$processes" -gt 1 ] && [ -f "$(dirname "$e5v")/e5v_mpi.so" ] && command -v mpirun > /dev/null; then
  # There is time to save the state after an interruption. Each process has a core, or all processes have all cores.
  launch=(mpirun -n "$processes" --use-hwthread-cpus --mca odls_base_sigkill_timeout 120)
  [ "$processes" -eq "$cores" ] || launch+=(--bind-to none)
  [ "$(id -u)" -ne 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

settings="SEED=$seed PLAN=$plan EPOCHS=$epochs"
[ -f "$work/settings.txt" ] || echo "$settings" > "$work/settings.txt"
begun=$(cat "$work/settings.txt")
[ "$begun" = "$settings" ] || fail "$work was begun with $begun, this is $settings; give that, or another folder"

if [ ! -f "$work/data/tokenizer.json" ]; then
  say 'data: pairs, files for the evaluation, and the tokenizer'
  python3 "$here/prepare.py" "$pictures" "$data/nli/nli_triplets.csv" "$work/data" "$seed"
fi
if [ ! -f "$work/random/config.json" ]; then
  say 'random weights'
  rm -rf "$work/random.partial"
  "$e5v" synth --to-train --config "$here/$shape" --tokenizer "$work/data/tokenizer.json" --dtype bf16 --seed "$seed" \
    --output "$work/random"
fi

# stage NAME RESULT OPTION...: trains unless the result exists, and continues a run that was stopped.
stage() {
  local name=$1 result=$2
  shift 2
  [ -f "$result" ] && return
  say "$name"
  local start
  start=$(date +%s)
  local begun=()
  [ -d "$work/$name/checkpoints" ] && begun=(--resume)
  "${launch[@]}" "$e5v" train --output "$work/$name" --seed "$seed" --dtype bf16 "${begun[@]}" "$@" 2>&1 |
    tee -ai "$work/$name.log"
  echo "$name: $(($(date +%s) - start)) s" | tee -a "$work/times.txt" >&2
}

# Stage 0 trains a language model: a sentence is continued by one that follows from it, a name by keywords.
stage stage0 "$work/stage0/model/config.json" --model "$work/random" --train llm \
  --captions "$work/data/nli.csv" --captions "$work/data/names.csv" --batch 64 --micro-batch 64 --epochs 2 --lr 1e-3 \
  --warmup 50 --weight-decay 0.05 --save-every 100

# Stage 1 adds the vision tower. Pairs are drawings and their names, also as phrases; the same things drawn by others
# (or, if there is no other drawing, the same drawing with other changes); drawings and words, and the drawings that
# they make; sentences and those that follow from them. It ends with smaller changes, which are nearer to the original
# drawings, with pairs of the same things twice as often, and with sentences five times as often, which are then a third
# of its batches.
stage1_options=(--train all --symmetric --batch "$batch" --micro-batch "$(((batch + processes - 1) / processes))" --muon
  --schedule cosine --weight-decay 0.05 --save-every 100)
for pairs in pictures phrases drawings alone composed nli; do stage1_options+=(--pairs "$work/data/$pairs.csv"); done
end=("${stage1_options[@]}")
for pairs in drawings nli nli nli nli; do end+=(--pairs "$work/data/$pairs.csv"); done
seeing=$work/stage1-end/model
stage stage1 "$work/stage1/model/config.json" --model "$work/stage0/model" "${stage1_options[@]}" --augment 0.8 \
  --epochs "$epochs" --lr "$rate" --warmup 40
stage stage1-end "$seeing/config.json" --model "$work/stage1/model" "${end[@]}" --augment 0.4 --epochs 0.4 --lr "$end_rate" \
  --warmup 10

# Stage 2 is E5-V's: only pairs of texts, with adapters on the language model, which are then merged.
stage stage2 "$work/stage2/adapter/adapter_config.json" --model "$seeing" \
  --pairs "$work/data/nli.csv" --pairs "$work/data/names.csv" --batch 128 --micro-batch 128 --epochs 1 --lr 1e-4 \
  --rank 16 --alpha 16 --warmup 20
if [ ! -f "$work/merged/config.json" ]; then
  "$e5v" merge --force --model "$seeing" --adapter "$work/stage2/adapter" --output "$work/merged"
fi
if [ ! -f "$work/model/config.json" ]; then
  "$e5v" quantize --force --model "$work/merged" --format int8 --output "$work/model"
fi

"$here/evaluate.sh" "$e5v" "$work" "$data"
say "the model is $work/model, its figures are in $work/eval"
