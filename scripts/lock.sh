#!/usr/bin/env bash
# Locks with hashes for every platform; no file names a registry, hence `uv pip compile`, not `uv lock`.
set -euo pipefail
compile=(.venv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url
    --python-version 3.11 --custom-compile-command "make lock" pyproject.toml)
"${compile[@]}" -o requirements.lock "$@"
"${compile[@]}" --group dev -o requirements-dev.lock "$@"
