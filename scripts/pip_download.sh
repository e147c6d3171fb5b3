# To be sourced after platform.sh: `download FOLDER OPTION...` gets wheels for the image, not for this
# machine. Debian 12 has glibc 2.36.
# shellcheck shell=bash
image_platform=(--only-binary=:all: --python-version=3.11 --implementation=cp)
for minor in {36..5}; do
    image_platform+=(--platform "manylinux_2_${minor}_${arch:?source platform.sh first}")
done
image_platform+=(--platform "manylinux2014_$arch")

download() {
    local folder=$1
    shift
    .venv/bin/pip download -qq --disable-pip-version-check "${image_platform[@]}" \
        --dest="$folder" "$@"
}
