#!/usr/bin/env bash
# Trains a LoRA adapter on a few pairs of sentences, embeds with it, and merges it into a checkpoint of its own.
#
#   train.sh E5V MODEL WORK     E5V: the program; MODEL: a folder; WORK: the folder for all output; if it exists, it is
#                               deleted first
#
# Shows: e5v train over CSV, --adapter, e5v merge. Training has no C++ interface; only the program e5v can train. So this
# example needs no build, only an installed e5v:
#   examples/train.sh e5v path/to/e5-v /tmp/trained
#
# The pairs here are far too few to teach a model anything; docs/training.md says what it takes.
set -euo pipefail
e5v=${1:?usage: train.sh E5V MODEL WORK} model=${2:?a model folder} work=${3:?a folder to work in}
rm -rf "$work" && mkdir -p "$work"

# A sentence, one that means the same, and one that nearly does: a hard negative.
cat > "$work/pairs.csv" <<'CSV'
sent0,sent1,hard_neg
A man plays a guitar.,Someone makes music on strings.,A man carries a guitar.
Two dogs run on a beach.,Dogs are running along the sea.,Two dogs sleep on a beach.
A child eats an apple.,A kid is having some fruit.,A child throws an apple.
The train is late.,The train has not arrived in time.,The train leaves early.
CSV

# After an interruption the same command with --resume goes on as if it had not been stopped.
"$e5v" train --model "$model" --pairs "$work/pairs.csv" --output "$work/run" --batch 4 --steps 6 --warmup 1 \
  --lr 1e-3 --seed 7

"$e5v" similarity --model "$model" --adapter "$work/run/adapter" \
  --text 'A man plays a guitar.' --text 'Someone makes music on strings.'
"$e5v" merge --model "$model" --adapter "$work/run/adapter" --output "$work/merged"
echo "train.sh: $work/merged is a checkpoint like any other"
