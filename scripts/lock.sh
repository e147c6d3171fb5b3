#!/usr/bin/env bash
# Writes requirements/image/*.txt: every package of the images in its pinned version, with the hashes
# of its wheels for both architectures. Usage: scripts/lock.sh
set -euo pipefail
cd "$(dirname "$0")/.."

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

extras() { # EXTRA...
    .venv/bin/python - "$@" <<'PYTHON'
import configparser, sys
config = configparser.ConfigParser(interpolation=None)
config.read("setup.cfg")
for extra in sys.argv[1:]:
    text = config["options.extras_require"][extra]
    print("\n".join(line for line in text.split("\n") if not line.startswith("#")))
PYTHON
}

printf '%s\n' pip setuptools cython numpy >"$temporary/build.in"
# The server does not need the packages of requirements/commands.txt.
cat requirements/linking.txt <(extras serve aws mysql) >"$temporary/serve.in"
cat requirements/*.txt <(extras serve aws mysql train) >"$temporary/train.in"
# torch is pinned, since the newest one brings gigabytes of CUDA libraries
grep '^torch==' constraints.txt >>"$temporary/train.in"
# the only package without a wheel
sources=antlr4-python3-runtime
mkdir "$temporary/sources"
.venv/bin/pip download -qq --disable-pip-version-check --no-deps --no-build-isolation \
    --no-binary=:all: --dest="$temporary/sources" "$(grep "^$sources==" constraints.txt)"
.venv/bin/pip wheel -qq --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir="$temporary" "$temporary/sources"/*

for machine in linux/amd64 linux/arm64; do
    for part in build serve train; do
        # a subshell for each, since the platform is a setting of the sourced files
        (
            PLATFORM=$machine
            . scripts/platform.sh
            . scripts/pip_download.sh
            echo "lock: $part for $platform" >&2
            .venv/bin/pip install -qq --disable-pip-version-check --dry-run --ignore-installed \
                "${image_platform[@]}" --target="$temporary/none" --constraint=constraints.txt \
                --find-links="$temporary" --report="$temporary/$part-$arch.json" \
                --requirement "$temporary/$part.in"
        )
    done
done
.venv/bin/python scripts/lock.py "$temporary"
