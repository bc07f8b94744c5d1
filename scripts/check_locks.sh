#!/usr/bin/env bash
# The locks fit pyproject.toml, hold no torch, name no registry, and resolve on every platform of the
# README's table for every Python.
set -euo pipefail
for lock in requirements.lock requirements-dev.lock; do
    if grep -nE '^(torch|sentence-transformers)==|https?://[^ ]*simple|^--(extra-)?index-url' "$lock"; then
        echo "$lock must not name torch or a registry" >&2
        exit 1
    fi
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export MACOSX_DEPLOYMENT_TARGET=15.0
# Resolves one lock: resolves PLATFORM PYTHON LOCK [options]. docopt is the one source distribution,
# pure Python.
resolves() {
    local platform=$1 python=$2 lock=$3
    shift 3
    .venv/bin/uv pip compile --quiet --no-header --no-annotate --only-binary :all: \
        --no-binary docopt --python-platform "$platform" --python-version "$python" \
        --constraint "$lock" "$@" pyproject.toml -o "$scratch/$lock-$platform-$python" ||
        { echo "$lock does not resolve on $platform with Python $python" >&2; exit 1; }
}
export -f resolves
export scratch
for platform in x86_64-manylinux_2_34 aarch64-manylinux_2_34 aarch64-apple-darwin; do
    for python in 3.11 3.12 3.13 3.14; do
        echo "$platform $python requirements.lock"
        echo "$platform $python requirements-dev.lock --group dev"
    done
done | xargs -P 8 -L 1 bash -c 'set -euo pipefail; resolves "$@"' resolves  # they wait for the registry
echo "locks: both resolve on 3 platforms x 4 Pythons"
