#!/usr/bin/env bash
# Makes the demo family and asks all of it the held-out test: recipes/demo/make.sh [speedwins]
# What is there already is not made again, and a training that was ended goes on.
set -euo pipefail
cd "$(dirname "$0")"
speedwins=${1:-../../build/speedwins}

[[ -f runs/corpus/test.jsonl ]] || "$speedwins" corpus . -o runs/corpus
# For demo-small: 20,000 conversations keep their answers; those of 200,000 others `demo` writes anew.
[[ -f runs/labelled.jsonl ]] || head -n 20000 runs/corpus/train.jsonl > runs/labelled.jsonl
[[ -f runs/questions.jsonl ]] || sed -n '20001,220000p' runs/corpus/train.jsonl > runs/questions.jsonl
for recipe in demo demo-small demo-small-alone demo-draft; do
  file=runs/$recipe/$recipe
  command=train
  grep -q '^\[distill\]' $recipe.toml && command=distill
  [[ -f $file.gguf ]] || "$speedwins" $command $recipe.toml --publish
  [[ -f $file-q8.gguf ]] || "$speedwins" quantize $file.gguf $file-q8.gguf Q8_0
  # What is answered already is not answered again.
  [[ $recipe != demo ]] || "$speedwins" answer $file-q8.gguf runs/questions.jsonl --every-answer -o runs/answers.jsonl
done
for recipe in demo demo-small demo-small-alone demo-draft; do
  for model in runs/$recipe/$recipe.gguf runs/$recipe/$recipe-q8.gguf; do
    "$speedwins" eval $model --tasks runs/corpus/test.jsonl
  done
  "$speedwins" bench runs/$recipe/$recipe-q8.gguf
done
