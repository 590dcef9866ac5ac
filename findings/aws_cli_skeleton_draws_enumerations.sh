#!/usr/bin/env bash
# `aws connect create-contact --generate-cli-skeleton` fills enumerations with values drawn at random.
#
# Version: AWS CLI 1.46.3.
# Seen: 12 of 12 skeletons differ, in Channel, InitiationMethod, InitiateAs or a reference's Type. A skeleton that worked
# yesterday is another request today.
# Here: a skeleton is accepted as a mapping, and values that the operation refuses are errors before anything is sent.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check awscli==1.46.3
for number in $(seq 12); do
    env -i PATH="$PATH" HOME="$folder" AWS_DEFAULT_REGION=us-east-1 \
        "$folder/venv/bin/aws" connect create-contact --generate-cli-skeleton >"$folder/$number.json"
done
different="$(sha256sum "$folder"/*.json | cut -d' ' -f1 | sort -u | wc -l)"
echo "AWS CLI $("$folder/venv/bin/aws" --version 2>&1 | cut -d' ' -f1): $different different skeletons of 12"
[ "$different" -gt 1 ]
