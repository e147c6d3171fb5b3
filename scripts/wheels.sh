#!/usr/bin/env bash
# Prints a folder of pinned wheels for Debian's Python 3.11, downloaded once and cached: build/,
# serve/ and, for `train`, train/ with the further packages. Usage: scripts/wheels.sh serve|train
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:?expected serve or train}
cache=${LINKAGE_RL_CACHE:-$HOME/.cache/linkage_rl}
key=$(cat setup.cfg requirements/*.txt constraints.txt pyproject.toml "$0" | sha256sum | cut -c1-12)
folder=$cache/wheels-$target-$key
if [ -d "$folder" ]; then
    echo "$folder"
    exit
fi

mkdir -p "$cache"
partial=$(mktemp -d "$cache/wheels.XXXXXX")
trap 'rm -rf "$partial"' EXIT

# Wheels for the image, not for this machine: Debian 12 has glibc 2.36.
arch=$(uname -m)
platforms=()
for minor in {36..5}; do platforms+=(--platform "manylinux_2_${minor}_$arch"); done
platforms+=(--platform "manylinux2014_$arch")
download() { # FOLDER REQUIREMENT...
    local into=$1
    shift
    .venv/bin/pip download -qq --disable-pip-version-check --only-binary=:all: \
        --python-version=3.11 --implementation=cp "${platforms[@]}" \
        --constraint=constraints.txt --find-links="$partial/$into" --dest="$partial/$into" "$@" >&2
}
extras() { # EXTRA...
    python3 - "$@" <<'PYTHON'
import configparser, sys
config = configparser.ConfigParser(interpolation=None)
config.read("setup.cfg")
for extra in sys.argv[1:]:
    text = config["options.extras_require"][extra]
    print("\n".join(line for line in text.split("\n") if not line.startswith("#")))
PYTHON
}

echo "image: downloading wheels for $target (a minute, the first time)" >&2
download build pip setuptools cython numpy
# The server does not need the packages of requirements/commands.txt.
cat requirements/linking.txt <(extras serve aws mysql) >"$partial/serve.txt"
download serve --requirement "$partial/serve.txt"
if [ "$target" = train ]; then
    cat requirements/*.txt <(extras serve aws mysql train) >"$partial/train.txt"
    # the only package without a wheel; pure Python
    .venv/bin/pip wheel -qq --disable-pip-version-check --no-deps --no-build-isolation \
        --wheel-dir="$partial/train" "$(grep '^antlr4-python3-runtime==' constraints.txt)" >&2
    # torch is pinned, as in setup.sh; otherwise pip downloads gigabytes of CUDA libraries
    download train "$(grep '^torch==' constraints.txt)" --requirement "$partial/train.txt"
    for wheel in "$partial"/serve/*.whl; do rm -f "$partial/train/${wheel##*/}"; done
fi
mv "$partial" "$folder"
echo "$folder"
