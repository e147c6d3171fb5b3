#!/usr/bin/env bash
# Creates .venv and installs the pinned package with its extras. Usage: scripts/setup.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."

python="${1:-python3}"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "linkage_rl needs Python 3.11 or newer, got $("$python" -V); set PYTHON=python3.11" >&2
    exit 1
}
# also where an earlier set-up was interrupted while pip replaced itself
.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv

# Modules are compiled where they are first imported: most of what is installed never is. Compiled
# ones are kept, whatever the environment says: compiling torch takes longer than importing it.
export PYTHONDONTWRITEBYTECODE=
install=(.venv/bin/python -m pip install -qq --disable-pip-version-check --no-compile -c constraints.txt)

# What the extras of the package need, one a line: the package itself is installed last.
requirements() {
    .venv/bin/python - "$@" <<'PY'
import configparser
import sys

setup = configparser.ConfigParser()
setup.read("setup.cfg")
for extra in sys.argv[1:]:
    print(setup["options.extras_require"][extra])
PY
}

# The kernels are compiled with the pinned numpy and cython, not with a second copy of them. The pip
# that comes with Python 3.11 needs three times as long to choose the versions.
echo "setup 1/3: pip and what compiles the kernels"
"${install[@]}" pip setuptools wheel cython numpy
echo "setup 2/3: torch and all that the commands need (minutes, the first time); compiling meanwhile"
.venv/bin/python setup.py --quiet build_ext --inplace &
compiling=$!
# what goes on in the background ends with this script, however it ends
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
requirements train assignment serve |
    "${install[@]}" -r requirements/linking.txt -r requirements/commands.txt -r /dev/stdin
wait "$compiling"
echo "setup 3/3: linkage_rl and its tools"
# for commands that are started without make, which may find it forbidden to keep them
.venv/bin/python -c 'import linkage_rl.train, linkage_rl.link, serving.worker, torch._dynamo' &
importing=$!
"${install[@]}" --no-build-isolation --no-deps --editable .
requirements train assignment serve deploy docs dev |
    "${install[@]}" -r requirements/linking.txt -r requirements/commands.txt -r /dev/stdin
# Hydra pins antlr4 4.9; moto's interpreter of state machines needs 4.13, kept apart for the tests.
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --upgrade \
    --target .venv/antlr4-4.13 antlr4-python3-runtime==4.13.2
wait "$importing"
