#!/bin/sh
# Makes two builds of the same files alike: bytecode without times, fixed modes and times.
# Usage: seal.sh FOLDER EPOCH
set -eu

# One process at a time: what a file is compiled to depends on the files compiled before it.
compiled() { # MODE FOLDER
    if [ -d "$root$2" ]; then
        python3 -m compileall -q -j 1 -s "$root" -p / --invalidation-mode "$1" "$root$2"
    fi
}
root=$1
# a handler that is changed or mounted over is seen; the packages are as they were installed
compiled checked-hash /opt/ml/code
compiled unchecked-hash /opt/linkage_rl
chmod -R u=rwX,go=rX "$root"
find "$root" -exec touch --no-dereference --date="@$2" {} +
