#!/bin/sh
# Makes two builds of the same files alike: bytecode without times, fixed modes and times.
# Usage: seal.sh FOLDER EPOCH
set -eu
root=$1 epoch=$2

# Paths in tracebacks are those of the image, where /out is the root.
compiled() { # MODE FOLDER OPTION...
    mode=$1 folder=$2
    shift 2
    # packages bring files that are no Python, such as templates
    python3 -m compileall -q -s "${root%%/opt*}" -p / --invalidation-mode "$mode" "$@" "$folder" ||
        true
}
if [ -d "$root/opt/ml/code" ]; then
    # a handler that is changed or mounted over is seen
    compiled checked-hash "$root/opt/ml/code" -j 1
    # one at a time: what a file is compiled to depends on the files compiled before it
    compiled unchecked-hash "$root/opt/linkage_rl" -j 1
else
    compiled unchecked-hash "$root" -j 0
fi
chmod -R u=rwX,go=rX "$root"
find "$root" -exec touch --no-dereference --date="@$epoch" {} +
