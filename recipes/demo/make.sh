#!/usr/bin/env bash
# Makes the demo family and asks all of it the held-out test: recipes/demo/make.sh [speedwins]
# What is there already is not made again, and a training that was ended goes on.
set -euo pipefail
cd "$(dirname "$0")"
speedwins=${1:-../../build/speedwins}

[[ -f runs/corpus/test.jsonl ]] || "$speedwins" corpus . -o runs/corpus
for recipe in demo demo-small demo-small-alone demo-draft; do
  file=runs/$recipe/$recipe
  command=train
  grep -q '^\[distill\]' $recipe.toml && command=distill
  [[ -f $file.gguf ]] || "$speedwins" $command $recipe.toml --publish
  [[ -f $file-q8.gguf ]] || "$speedwins" quantize $file.gguf $file-q8.gguf Q8_0
done
for recipe in demo demo-small demo-small-alone demo-draft; do
  for model in runs/$recipe/$recipe.gguf runs/$recipe/$recipe-q8.gguf; do
    "$speedwins" eval $model --tasks runs/corpus/test.jsonl
  done
  "$speedwins" bench runs/$recipe/$recipe-q8.gguf
done
