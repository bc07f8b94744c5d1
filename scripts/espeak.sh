#!/usr/bin/env bash
# Gets espeak-ng, one more candidate's voice, where Debian's package may be installed. Without it the
# tests leave that voice out and say so.
set -euo pipefail
command -v espeak-ng >/dev/null && exit 0
if command -v apt-get >/dev/null; then
    sudo=; [ "$(id -u)" = 0 ] || sudo="sudo -n"
    if $sudo true 2>/dev/null && $sudo apt-get update -qq; then
        $sudo apt-get install -y -qq --no-install-recommends espeak-ng && exit 0
    fi
fi
echo "espeak-ng is not installed: the tests go without its voice" >&2
