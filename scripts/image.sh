#!/usr/bin/env bash
# Builds an image. Usage: scripts/image.sh serve|train [BUNDLE=DIR] [CERTIFICATES=FILE] [DB_HOST=...]
# [OPTION...]. BUNDLE is copied into the image, as are CERTIFICATES, which the database's must be
# signed by (PGSSLROOTCERT=/opt/ml/code/certificates/database.pem); DB_HOST DB_PORT DB_NAME DB_USER become its environment; options
# such as --no-cache are passed to the engine. IMAGE names the image (default linkage_rl), BASE_IMAGE
# what it is built on, and PLATFORM what it runs on (linux/amd64 or linux/arm64, such as Graviton).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/engine.sh
. scripts/platform.sh

target=${1:?expected serve or train}
shift
bundle="" certificates="" arguments=()
for word in "$@"; do
    case "$word" in
    BUNDLE=*) bundle=${word#*=} ;;
    CERTIFICATES=*) certificates=${word#*=} ;;
    DB_PASS=* | DATABASE_URL=*://*:*@* | DATABASE_URL=*password=*)
        echo "error: ${word%%=*} holds a password, which would be readable in the image; give it" \
            "when the container runs: -e ${word%%=*}" >&2
        exit 2
        ;;
    -*) arguments+=("$word") ;;
    *) arguments+=(--build-arg "$word") ;;
    esac
done
if [ -n "$bundle" ] && ! [ -f "$bundle/manifest.json" ]; then
    echo "error: expected a bundle in BUNDLE=$bundle, found no manifest.json there; give the" \
        "bundle folder of a run" >&2
    exit 2
fi
link=$([ -z "$bundle" ] || find "$bundle/" -type l -print -quit)
if [ -n "$link" ]; then
    echo "error: expected a bundle of files in BUNDLE=$bundle, got the link $link, which may lead" \
        "out of it; put the file itself there, or export the bundle again" >&2
    exit 2
fi
if [ -n "$certificates" ] && ! grep -q 'BEGIN CERTIFICATE' "$certificates"; then
    echo "error: expected a file of certificates (PEM) in CERTIFICATES=$certificates, found none;" \
        "that of RDS is https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem" >&2
    exit 2
fi

read -r base build < <(scripts/base_images.sh)
wheels=$(scripts/wheels.sh "$target")

# The build context, as hard links where possible.
context=build/image/$target
rm -rf "$context" >/dev/null
mkdir -p "$context/source" "$context/wheels" "$context/model" "$context/certificates"
link_or_copy() { cp -rlL "$@" 2>/dev/null || cp -rL "$@"; }
git ls-files -z --cached --others --exclude-standard -- \
    linkage_rl configs serving requirements setup.py setup.cfg pyproject.toml README.md \
    LICENSE NOTICE LICENSES |
    while IFS= read -r -d '' file; do
        if [ -f "$file" ]; then printf '%s\0' "$file"; fi
    done | tar --null -T - -cf - | tar -xf - -C "$context/source"
link_or_copy "$wheels"/* "$context/wheels/"
# the slash, since BUNDLE may itself be a link
private=$([ -z "$bundle" ] || find "$bundle/" \( ! -perm -go=r -o -type d ! -perm -go=rx \) -print -quit)
if [ -n "$bundle" ] && [ -z "$private" ]; then
    link_or_copy "$bundle"/. "$context/model/"
elif [ -n "$bundle" ]; then
    # the user of the container must be able to read it; the bundle itself keeps its modes
    cp -rL "$bundle"/. "$context/model/"
    chmod -R u=rwX,go=rX "$context/model"
fi
if [ -n "$certificates" ]; then
    install -m 644 "$certificates" "$context/certificates/database.pem"
fi

revision=$(git rev-parse --short=12 HEAD)
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then revision=$revision-dirty; fi
epoch=$(git log -1 --format=%ct)
echo "$revision $epoch" >"$context/revision"
chmod 644 "$context/revision"
TZ=UTC touch -t "$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y%m%d%H%M.%S)" \
    "$context/revision"
version=$(sed -n 's/^version = //p' setup.cfg)
name=${IMAGE:-linkage_rl}
tags=("$name:latest" "$name:$revision")
if [ "$target" = train ]; then tags=("$name:train" "$name:train-$revision"); fi

options=(--target "$target" --file serving/Dockerfile)
for tag in "${tags[@]}"; do options+=(--tag "$tag"); done
for argument in BASE_IMAGE="$base" BUILD_IMAGE="$build" WHEELS="${wheels##*-}" \
    SOURCE_DATE_EPOCH="$epoch" VERSION="$version" REVISION="$revision"; do
    options+=(--build-arg "$argument")
done
# Base images created here are complete, so the build needs no network.
network=host
if [[ "$base" == localhost/linkage_rl-base:* ]]; then network=none; fi
options+=(--network "$network" --platform "$platform")
# SageMaker takes manifests of Docker's own format only, and no index of several.
if [ "$engine" = podman ]; then
    options+=(--timestamp "$epoch" --format docker)
else
    "$engine" buildx version >/dev/null 2>&1 || {
        echo "error: docker builds this image with buildx, which is missing; install Docker's" \
            "package docker-buildx-plugin" >&2
        exit 1
    }
    options+=(--provenance=false --sbom=false --output type=docker)
fi

"$engine" build --quiet "${options[@]}" ${arguments[@]+"${arguments[@]}"} "$context" >/dev/null
size=$("$engine" image inspect --format '{{.Size}}' "${tags[0]}")
echo "image    ${tags[*]} ($((size / 1000000)) MB, $platform, on $base)"
