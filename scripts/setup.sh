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

install=(.venv/bin/pip install -qq --disable-pip-version-check -c constraints.txt)

# torch goes first and pinned: an unpinned one installs gigabytes of drivers.
echo "setup 1/3: torch into .venv (minutes, the first time)"
"${install[@]}" "$(grep '^torch==' constraints.txt)"
# The kernels are compiled with the pinned numpy and cython, not with a second copy of them.
echo "setup 2/3: what compiles the kernels"
"${install[@]}" setuptools wheel cython numpy
echo "setup 3/3: linkage_rl with its extras (a minute or two)"
"${install[@]}" --no-build-isolation --editable '.[train,assignment,serve,deploy,docs,dev]'
# Hydra pins antlr4 4.9; moto's interpreter of state machines needs 4.13, kept apart for the tests.
.venv/bin/pip install -qq --disable-pip-version-check --no-deps --upgrade \
    --target .venv/antlr4-4.13 antlr4-python3-runtime==4.13.2
