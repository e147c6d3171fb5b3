# To be sourced: sets `engine` to docker if it runs, else to podman with this project's settings.
# shellcheck shell=bash
if docker info >/dev/null 2>&1 && [[ "$(docker --version)" == Docker* ]]; then
    engine=docker
elif command -v podman >/dev/null; then
    engine=podman
    export CONTAINERS_CONF="${CONTAINERS_CONF:-$PWD/serving/containers.conf}"
else
    echo "error: expected docker or podman, found neither;" \
        "apt-get install --no-install-recommends podman runc" >&2
    exit 1
fi
export engine
