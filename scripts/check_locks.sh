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
# Resolves one lock: resolves LOCK PLATFORM PYTHON [options]. docopt is the one source distribution,
# pure Python.
resolves() {
    local lock=$1 platform=$2 python=$3
    shift 3
    .venv/bin/uv pip compile --quiet --no-header --no-annotate --only-binary :all: \
        --no-binary docopt --python-platform "$platform" --python-version "$python" \
        --constraint "$lock" "$@" pyproject.toml -o "$scratch/$lock-$platform-$python" ||
        { echo "$lock does not resolve on $platform with Python $python" >&2; exit 1; }
}
for platform in x86_64-manylinux_2_34 aarch64-manylinux_2_34 aarch64-apple-darwin; do
    for python in 3.11 3.12 3.13 3.14; do
        resolves requirements.lock "$platform" "$python"
        resolves requirements-dev.lock "$platform" "$python" --group dev
    done
done
echo "locks: both resolve on 3 platforms x 4 Pythons"
