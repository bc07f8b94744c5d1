#!/usr/bin/env bash
# Finds a browser for the tests or gets one, and tries whether it opens: CODEVOICE_CHROMIUM, an
# installed Chromium or Chrome, Debian's package where it may be installed, Playwright's own.
set -euo pipefail

installed() { command -v chromium chromium-browser google-chrome google-chrome-stable | head -n 1; }

from_debian() {
    command -v apt-get >/dev/null || return 1
    local sudo=; [ "$(id -u)" = 0 ] || sudo="sudo -n"
    $sudo true 2>/dev/null && $sudo apt-get update -qq &&
        $sudo apt-get install -y -qq --no-install-recommends chromium fonts-liberation
}

# Without a name it is Playwright's own, which comes without the system libraries it needs.
opens() {
    .venv/bin/python - "$1" <<'PY'
import sys
from playwright.sync_api import Error, sync_playwright

with sync_playwright() as playwright:
    try:
        playwright.chromium.launch(executable_path=sys.argv[1] or None, args=["--no-sandbox"]).close()
    except Error as failure:
        sys.exit(str(failure).splitlines()[0])
PY
}

browser=${CODEVOICE_CHROMIUM:-$(installed || true)}
if [ -z "$browser" ] && from_debian; then browser=$(installed || true); fi
if [ -z "$browser" ]; then .venv/bin/playwright install chromium; fi
opens "$browser" && exit 0
if [ -n "$browser" ]; then
    echo "$browser does not open. Name one that does: CODEVOICE_CHROMIUM=/path/to/chromium make test" >&2
else
    echo "The browser lacks system libraries. Install them as root: .venv/bin/playwright install-deps chromium" >&2
fi
exit 2
