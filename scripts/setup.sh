#!/usr/bin/env bash
# Creates .venv and installs the pinned package with its extras. Usage: scripts/setup.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."

python="${1:-python3}"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "linkage_rl needs Python 3.11 or newer, got $("$python" -V); set PYTHON=python3.11" >&2
    exit 1
}
[ -x .venv/bin/python ] || "$python" -m venv .venv

install=(.venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt)
echo "installing into .venv: torch, then the rest (some minutes the first time)"
# torch goes first and pinned: an unpinned one brings gigabytes of drivers along.
"${install[@]}" "$(grep '^torch==' constraints.txt)"
# The kernels are compiled with the pinned numpy and cython, not with a second copy of them.
"${install[@]}" setuptools wheel cython numpy
"${install[@]}" --no-build-isolation --editable '.[train,dev]'
