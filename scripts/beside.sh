#!/usr/bin/env bash
# Runs a command with what others leave of the processor, one such command after another:
# beside.sh COMMAND [ARGUMENT...]
set -euo pipefail
idle=(nice -n 19)
if command -v chrt >/dev/null; then idle=(chrt --idle 0); fi
if command -v flock >/dev/null; then exec flock --no-fork "$0" "${idle[@]}" "$@"; fi
exec "${idle[@]}" "$@"
