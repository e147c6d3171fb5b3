#!/usr/bin/env bash
# Installs the pre-commit hooks where commits are made: in a git work tree, but not in CI.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${CI:-}" ] && git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    .venv/bin/pre-commit install
fi
