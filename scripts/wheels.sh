#!/usr/bin/env bash
# Prints a folder of wheels for Debian's Python 3.11, downloaded once and cached: build/, serve/ and,
# for `train`, train/ with the further packages. All but torch must have the hashes of
# requirements/image/, see scripts/lock.sh. Usage: scripts/wheels.sh serve|train
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/platform.sh
. scripts/pip_download.sh

target=${1:?expected serve or train}
cache=${LINKAGE_RL_CACHE:-$HOME/.cache/linkage_rl}
torch=$(grep '^torch==' constraints.txt)
key=$(cat requirements/image/*.txt scripts/wheels.sh scripts/pip_download.sh <(echo "$torch") |
    git hash-object --stdin | cut -c1-12)
folder=$cache/wheels-$target-$arch-$key
if [ -d "$folder" ]; then
    echo "$folder"
    exit
fi

mkdir -p "$cache"
partial=$(mktemp -d "$cache/wheels.XXXXXX")
trap 'rm -rf "$partial"' EXIT

echo "image: downloading wheels for $target on $platform (a minute, the first time)" >&2
for part in build serve; do
    download "$partial/$part" --no-deps --require-hashes \
        --requirement "requirements/image/$part.txt" >&2
done
if [ "$target" = train ]; then
    download "$partial/train" --no-deps --require-hashes \
        --requirement requirements/image/train.txt >&2
    # the only package without a wheel; pure Python
    .venv/bin/pip wheel -qq --disable-pip-version-check --no-deps --no-build-isolation \
        --require-hashes --wheel-dir="$partial/train" --requirement requirements/image/sources.txt >&2
    # any build of this version will do, so it has no hash; its own requirements are in train.txt
    download "$partial/train" --no-deps "$torch" >&2
fi
mv "$partial" "$folder"
echo "$folder"
