#!/usr/bin/env bash
# Builds an image and pushes it once, tagged with its commit.
# The last line of stdout is REPOSITORY@DIGEST, the value of image= for the deploy command.
#
#   AWS_ACCOUNT_ID=123456789012 AWS_REGION=ap-northeast-1 BUNDLE=bundles/best scripts/build_and_push.sh
#
# TARGET      serve, or train for the training image, whose tag is train-COMMIT
# TAG         commit of the image; by default that of this checkout, which must have no changes
# REPOSITORY  name of the repository (default linkage-rl); created if it does not exist
# BUNDLE      folder of the bundle to include; without it the image expects one in /opt/ml/model
# CERTIFICATES  file of certificates for the connection to the database, see scripts/image.sh
# IMAGE       existing image to push instead of building one
# REGISTRY    HOST:PORT of a registry without login, instead of that of the account
# PLATFORM    linux/amd64, or linux/arm64 for Graviton instances (ml.c7g, ml.m7g ...); by default that
#             of this machine
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "build_and_push: $*" >&2
    exit 1
}

log() {
    echo "build_and_push: $*" >&2
}

commit_of_checkout() {
    git rev-parse --git-dir >/dev/null 2>&1 || fail "expected TAG or a git checkout, got neither; set TAG=COMMIT"
    [ -z "$(git status --porcelain)" ] || fail "the checkout has uncommitted changes; commit them, or set TAG"
    git rev-parse HEAD
}

# Digest and manifest format of a tag in the registry; fails when there is no such tag.
manifest_of() {
    if [ -n "$own_registry" ]; then
        curl --silent --fail --head \
            --header "Accept: application/vnd.oci.image.index.v1+json" \
            --header "Accept: application/vnd.oci.image.manifest.v1+json" \
            --header "Accept: application/vnd.docker.distribution.manifest.list.v2+json" \
            --header "Accept: $sagemaker_format" \
            "http://$own_registry/v2/$repository/manifests/$tag" |
            tr -d '\r' | awk 'tolower($1) == "docker-content-digest:" {digest = $2}
                tolower($1) == "content-type:" {format = $2}
                END {if (digest) print digest, format}'
    else
        aws ecr describe-images --region "$AWS_REGION" --repository-name "$repository" \
            --image-ids "imageTag=$tag" --output text 2>/dev/null \
            --query 'imageDetails[0].[imageDigest,imageManifestMediaType]'
    fi
}

# Prints the image of the tag by its digest, unless SageMaker refuses its format.
print_image() { # DIGEST FORMAT
    case "${2:-None}" in
    "$sagemaker_format") ;;
    # ECR does not name the format of every image
    None)
        log "warning: the registry does not say in which format it holds $repository:$tag;" \
            "SageMaker takes $sagemaker_format only"
        ;;
    *)
        fail "$repository:$tag is in the registry as $2, which SageMaker refuses; it takes" \
            "$sagemaker_format: delete the tag, and push with this script (with docker, images are" \
            "built with --provenance=false --output type=docker)"
        ;;
    esac
    echo "$registry/$repository@$1"
}

create_repository() {
    aws ecr describe-repositories --region "$AWS_REGION" --repository-names "$repository" \
        >/dev/null 2>&1 && return
    log "creating repository $repository"
    aws ecr create-repository --region "$AWS_REGION" --repository-name "$repository" \
        --image-tag-mutability IMMUTABLE --image-scanning-configuration scanOnPush=true >/dev/null ||
        fail "cannot create repository $repository; apply the stack, or ask for ecr:CreateRepository"
}

log_in() {
    # by standard input, since arguments are visible to every process
    aws ecr get-login-password --region "$AWS_REGION" |
        "$engine" login --username AWS --password-stdin "$registry" >/dev/null ||
        fail "cannot log in to $registry; log in to AWS first (aws sso login)"
}

. scripts/engine.sh
sagemaker_format=application/vnd.docker.distribution.manifest.v2+json
repository="${REPOSITORY:-linkage-rl}"
target="${TARGET:-serve}"
commit="${TAG:-$(commit_of_checkout)}"
[[ $commit =~ ^[0-9a-f]{7,40}$ ]] ||
    fail "expected a commit as TAG, such as 0123456789ab, got '$commit'; a tag that can move cannot be rolled back to"
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
    create_repository
fi
case "${AWS_REGION:-}" in cn-*) domain=amazonaws.com.cn ;; *) domain=amazonaws.com ;; esac
registry="${own_registry:-${AWS_ACCOUNT_ID:-}.dkr.ecr.${AWS_REGION:-}.$domain}"

read -r digest format <<<"$(manifest_of || true)"
if [ -n "$digest" ]; then
    log "$repository:$tag already exists and is not changed"
    print_image "$digest" "$format"
    exit
fi

image="${IMAGE:-linkage_rl:$tag}"
if [ -z "${IMAGE:-}" ]; then
    log "building $image with $engine"
    if [ "$target" = serve ]; then
        make image ${BUNDLE:+BUNDLE="$BUNDLE"} ${CERTIFICATES:+CERTIFICATES="$CERTIFICATES"} >&2
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
if [ "$engine" = podman ]; then push+=(--format v2s2); fi
"$engine" tag "$image" "$registry/$repository:$tag"
"${push[@]}" "$registry/$repository:$tag" >&2
read -r digest format <<<"$(manifest_of)"
[ -n "$digest" ] || fail "pushed $repository:$tag, but $registry does not list it; push again"
print_image "$digest" "$format"
