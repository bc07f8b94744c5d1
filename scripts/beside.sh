#!/usr/bin/env bash
# Runs a command with what others leave of the processor: beside.sh COMMAND [ARGUMENT...]
set -euo pipefail
if command -v chrt >/dev/null; then exec chrt --idle 0 "$@"; fi
exec nice -n 19 "$@"
