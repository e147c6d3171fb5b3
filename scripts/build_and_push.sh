#!/usr/bin/env bash
# Builds an image and pushes it under the tag of its commit, once and for all.
# The last line on stdout is REPOSITORY@DIGEST, which the deploy command takes as image=.
#
#   AWS_ACCOUNT_ID=123456789012 AWS_REGION=ap-northeast-1 BUNDLE=bundles/best scripts/build_and_push.sh
#
# TARGET      serve, or train for the training image, whose tag is train-COMMIT
# TAG         commit of the image; else that of this checkout, which must have no changes
# REPOSITORY  name of the repository (linkage-rl); made when it is absent
# BUNDLE      folder of the bundle that goes into the image; else the image reads /opt/ml/model
# IMAGE       image that is there already; nothing is built then
# REGISTRY    HOST:PORT of another registry than that of the account, without login
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "build_and_push: $*" >&2
    exit 1
}

say() {
    echo "build_and_push: $*" >&2
}

commit_of_checkout() {
    git rev-parse --git-dir >/dev/null 2>&1 || fail "expected TAG or a git checkout, got neither; set TAG=COMMIT"
    [ -z "$(git status --porcelain)" ] || fail "the checkout has changes that no commit names; commit them, or set TAG"
    git rev-parse HEAD
}

# Digest of a tag in the registry; fails when there is no such tag.
digest_of() {
    if [ -n "$own_registry" ]; then
        curl --silent --fail --head \
            --header "Accept: application/vnd.oci.image.manifest.v1+json" \
            --header "Accept: application/vnd.docker.distribution.manifest.v2+json" \
            "http://$own_registry/v2/$repository/manifests/$tag" |
            tr -d '\r' | awk 'tolower($1) == "docker-content-digest:" {print $2}'
    else
        aws ecr describe-images --region "$AWS_REGION" --repository-name "$repository" \
            --image-ids "imageTag=$tag" --query 'imageDetails[0].imageDigest' --output text 2>/dev/null
    fi
}

make_repository() {
    aws ecr describe-repositories --region "$AWS_REGION" --repository-names "$repository" \
        >/dev/null 2>&1 && return
    say "making repository $repository"
    aws ecr create-repository --region "$AWS_REGION" --repository-name "$repository" \
        --image-tag-mutability IMMUTABLE --image-scanning-configuration scanOnPush=true >/dev/null ||
        fail "cannot make repository $repository; apply the stack, or ask for ecr:CreateRepository"
}

log_in() {
    # by standard input: an argument would be seen by every process
    aws ecr get-login-password --region "$AWS_REGION" |
        "$engine" login --username AWS --password-stdin "$registry" >/dev/null ||
        fail "cannot log in to $registry; log in to AWS first (aws sso login)"
}

. scripts/engine.sh
repository="${REPOSITORY:-linkage-rl}"
target="${TARGET:-serve}"
commit="${TAG:-$(commit_of_checkout)}"
[[ $commit =~ ^[0-9a-f]{7,40}$ ]] ||
    fail "expected a commit as TAG, such as 0123456789ab, got '$commit'; a name that moves cannot be rolled back to"
case "$target" in
serve) tag="${commit:0:12}" ;;
train) tag="train-${commit:0:12}" ;;
*) fail "expected TARGET=serve or TARGET=train, got '$target'" ;;
esac

own_registry="${REGISTRY:-}"
if [ -z "$own_registry" ]; then
    [[ ${AWS_ACCOUNT_ID:-} =~ ^[0-9]{12}$ ]] ||
        fail "expected the 12 digits of the account in AWS_ACCOUNT_ID, got '${AWS_ACCOUNT_ID:-}'; set it"
    [ -n "${AWS_REGION:-}" ] || fail "expected a region in AWS_REGION, got none; set it"
    command -v aws >/dev/null || fail "expected the AWS command line, found none; install awscli"
    make_repository
fi
registry="${own_registry:-$AWS_ACCOUNT_ID.dkr.ecr.$AWS_REGION.amazonaws.com}"

if digest="$(digest_of)" && [ -n "$digest" ]; then
    say "$repository:$tag already exists and is not changed"
    echo "$registry/$repository@$digest"
    exit
fi

image="${IMAGE:-linkage_rl:$tag}"
if [ -z "${IMAGE:-}" ]; then
    say "building $image with $engine"
    if [ "$target" = serve ]; then
        make image ${BUNDLE:+BUNDLE="$BUNDLE"} >&2
    else
        make image-train >&2
    fi
fi
push=("$engine" push)
if [ -z "$own_registry" ]; then
    log_in
elif [ "$engine" = podman ]; then
    push+=(--tls-verify=false)
fi
"$engine" tag "$image" "$registry/$repository:$tag"
"${push[@]}" "$registry/$repository:$tag" >&2
digest="$(digest_of)" || fail "pushed $repository:$tag, but $registry does not know it; push again"
echo "$registry/$repository@$digest"
