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
# docopt is the one source distribution, pure Python.
for platform in x86_64-manylinux_2_34 aarch64-manylinux_2_34 aarch64-apple-darwin; do
    for python in 3.11 3.12 3.13 3.14; do
        .venv/bin/uv pip compile --quiet --no-header --no-annotate --only-binary :all: \
            --no-binary docopt --python-platform "$platform" --python-version "$python" \
            --constraint requirements.lock pyproject.toml -o "$scratch/$platform-$python" ||
            { echo "requirements.lock does not resolve on $platform with Python $python" >&2; exit 1; }
    done
done
echo "locks: 3 platforms x 4 Pythons resolve"
