#!/usr/bin/env bash
# Builds the serving image and runs it on the loopback interface until Ctrl-C, with a bundle mounted
# and the database settings of the environment. Usage: scripts/serve.sh BUNDLE PORT
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/engine.sh

bundle=$(realpath "$1") port=$2
scripts/image.sh serve
options=(--rm --memory 4g --volume "$bundle:/opt/ml/model:ro")
if [ "$engine" = docker ]; then
    options+=(--publish "127.0.0.1:$port:8080")
else
    # not a bridge, which some machines cannot create
    options+=(--network host --env LINKAGE_BIND=127.0.0.1 --env "SAGEMAKER_BIND_TO_PORT=$port")
fi
for name in DATABASE_URL DB_HOST DB_PORT DB_NAME DB_USER DB_PASS DB_SECRET_ARN; do
    if [ -n "${!name:-}" ]; then options+=(--env "$name"); fi
done
for name in $(compgen -e LINKAGE_); do
    case "$name" in LINKAGE_RL_* | LINKAGE_BIND) ;; *) options+=(--env "$name") ;; esac
done
echo "serving  http://127.0.0.1:$port (Ctrl-C to stop)"
exec "$engine" run "${options[@]}" linkage_rl:latest serve
