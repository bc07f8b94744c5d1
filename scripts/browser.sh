#!/usr/bin/env bash
# Finds a browser for the tests or gets one: an installed Chromium or Chrome, else Debian's package
# where it may be installed, else Playwright's own.
set -euo pipefail
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if command -v apt-get >/dev/null; then
    sudo=; [ "$(id -u)" = 0 ] || sudo="sudo -n"
    if $sudo true 2>/dev/null && $sudo apt-get update -qq && $sudo apt-get install -y -qq chromium; then
        exit 0
    fi
fi
.venv/bin/playwright install chromium && exit 0
echo "No browser for the tests. Install Chromium or Google Chrome and run 'make test' again." >&2
exit 2
