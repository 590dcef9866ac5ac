#!/usr/bin/env bash
# kubernetes-validate passes a document whose kind it does not know.
#
# Version: kubernetes-validate 1.37.0.
# Seen: a manifest with `kind: Jub` gives the line "WARN … Couldn't find schema for kind Jub" and exit code 0, also with --strict: a
# misspelt kind passes a pipeline.
# Here: tests/schedulers/validate.py takes a missing schema for a fault.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
printf 'apiVersion: batch/v1\nkind: Jub\nmetadata: {name: x}\nspec: 7\n' >"$folder/jub.yaml"
code=0
seen="$("$folder/venv/bin/kubernetes-validate" --strict -k 1.37 "$folder/jub.yaml")" || code=$?
echo "exit code $code: ${seen/"$folder/"/}"
[ "$code" = 0 ] && [[ "$seen" = "WARN "*"Couldn't find schema for kind Jub"* ]]
