# To be sourced: sets `platform` (linux/amd64 or linux/arm64) and `arch`, its name in wheels: those of
# PLATFORM, else of DOCKER_DEFAULT_PLATFORM as for docker itself, else of this machine.
# shellcheck shell=bash
wanted=${PLATFORM:-${DOCKER_DEFAULT_PLATFORM:-$(uname -m)}}
case "${wanted#linux/}" in
x86_64 | amd64 | amd64/* | AMD64) platform=linux/amd64 arch=x86_64 ;;
# macOS says arm64, Linux aarch64
aarch64 | arm64 | arm64/* | ARM64) platform=linux/arm64 arch=aarch64 ;;
*)
    echo "error: expected linux/amd64 or linux/arm64, got '$wanted'; no wheels of the image's" \
        "packages exist for it: set PLATFORM=linux/amd64, or build on another machine" >&2
    exit 1
    ;;
esac
export platform arch
