#!/usr/bin/env bash
# Prints the images to build on and to build in: Python's own where a registry answers, else two
# made of Debian packages and kept. Usage: scripts/base_images.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/engine.sh
. scripts/platform.sh

# Python's own image, from a registry without a limit on anonymous downloads
python=public.ecr.aws/docker/library/python:3.11-slim-bookworm
if [ -n "${BASE_IMAGE:-}" ]; then
    echo "$BASE_IMAGE ${BUILD_IMAGE:-$python}"
    exit
fi
# macOS has no timeout
limit=()
if command -v timeout >/dev/null; then limit=(timeout 300); fi
architecture=$("$engine" image inspect --format '{{.Architecture}}' "$python" 2>/dev/null || true)
if [ "linux/$architecture" = "$platform" ] ||
    ${limit[@]+"${limit[@]}"} "$engine" pull -q --platform "$platform" "$python" >/dev/null 2>&1; then
    echo "$python $python"
    exit
fi
case "$arch:$(uname -m)" in
x86_64:x86_64 | x86_64:amd64 | aarch64:aarch64 | aarch64:arm64) ;;
*)
    echo "error: no registry can be reached, and a base image for $platform can only be created on" \
        "a machine of that kind; build there, or set BASE_IMAGE to one for $platform" >&2
    exit 1
    ;;
esac

serve=ca-certificates,python3,libstdc++6,nginx-light,usr-is-merged
build=ca-certificates,python3-dev,python3-pip,gcc,libc6-dev,usr-is-merged
# Rebuilt every month, for security updates.
key=$(date +%Y-%m)-$(cat "$0" /etc/os-release | git hash-object --stdin | cut -c1-8)
cache=${LINKAGE_RL_CACHE:-$HOME/.cache/linkage_rl}

bootstrap() { # VARIANT PACKAGES FILE
    local options=(--quiet --variant="$1" --include="$2" --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr)
    for folder in man doc locale info; do
        options+=(--dpkgopt="path-exclude=/usr/share/$folder/*")
    done
    options+=(--dpkgopt="path-include=/usr/share/doc/*/copyright")
    # on other releases than bookworm, mmdebstrap uses its default mirror
    local mirrors=()
    if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release; then
        for list in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
            if [ -s "$list" ]; then mirrors=("$list"); break; fi
        done
    fi
    SOURCE_DATE_EPOCH=0 mmdebstrap "${options[@]}" bookworm "$3.partial.tar" "${mirrors[@]}" \
        >"$3.log" 2>&1 || {
        tail -n 20 "$3.log" >&2
        exit 1
    }
    mv "$3.partial.tar" "$3"
}

ensure_image() { # NAME VARIANT PACKAGES
    local image="localhost/linkage_rl-$1:$key" file="$cache/$1-$key.tar"
    if "$engine" image inspect "$image" >/dev/null 2>&1; then return; fi
    if ! [ -f "$file" ]; then
        command -v mmdebstrap >/dev/null || {
            echo "error: no registry can be reached, and mmdebstrap, which creates a base image" \
                "without one, is missing; apt-get install mmdebstrap, or set BASE_IMAGE" >&2
            exit 1
        }
        echo "image: creating the $1 image from Debian packages (half a minute, once a month)" >&2
        mkdir -p "$cache"
        # outdated files of this cache
        find "$cache" -maxdepth 1 \( -name 'base-*' -o -name 'compiler-*' -o -name 'wheels-*' \) \
            -mtime +60 -exec rm -rf {} +
        bootstrap "$2" "$3" "$file"
    fi
    local context
    context=$(mktemp -d "$cache/context.XXXXXX")
    ln "$file" "$context/root.tar"
    printf '%s\n' 'FROM scratch' 'ADD root.tar /' \
        'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        >"$context/Dockerfile"
    local fixed=()
    if [ "$engine" = podman ]; then fixed=(--timestamp 0); fi
    "$engine" build -q "${fixed[@]}" -t "$image" "$context" >/dev/null
    rm -rf "$context"
}

ensure_image base essential "$serve" &
first=$!
ensure_image compiler minbase "$build"
wait "$first"
echo "localhost/linkage_rl-base:$key localhost/linkage_rl-compiler:$key"
