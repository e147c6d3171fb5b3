#!/usr/bin/env bash
# Checks the requirements of the SageMaker SDK's local mode. Usage: scripts/local_mode.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/engine.sh

packages=()
command -v docker >/dev/null || packages+=(podman-docker)
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null ||
    packages+=(docker-compose)
command -v pgrep >/dev/null || packages+=(procps)
if [ "${#packages[@]}" -gt 0 ]; then
    echo "error: local mode needs docker, Docker Compose and pgrep, and not all are installed;" \
        "apt-get install --no-install-recommends ${packages[*]}" >&2
    exit 1
fi
echo "local mode on $engine; the first time, the SageMaker SDK is installed (1 GB, minutes)"
