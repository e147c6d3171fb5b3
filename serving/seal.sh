#!/bin/sh
# Makes builds reproducible: bytecode without timestamps, fixed file modes and times.
# Usage: seal.sh FOLDER EPOCH
set -eu
root=$1 epoch=$2

# Tracebacks show the paths of the image, whose root is /out here.
compiled() { # MODE FOLDER OPTION...
    mode=$1 folder=$2
    shift 2
    # packages contain .py files that do not compile, such as templates
    python3 -m compileall -q -s "${root%%/opt*}" -p / --invalidation-mode "$mode" "$@" "$folder" ||
        true
}
if [ -d "$root/opt/ml/code" ]; then
    # checked at import, so that a changed or mounted file takes effect
    compiled checked-hash "$root/opt/ml/code" -j 1
    # one process, since the bytecode of a file depends on the files compiled before it
    compiled unchecked-hash "$root/opt/linkage_rl" -j 1
else
    compiled unchecked-hash "$root" -j 0
fi
chmod -R u=rwX,go=rX "$root"
find "$root" -exec touch --no-dereference --date="@$epoch" {} +
