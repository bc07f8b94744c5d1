#!/usr/bin/env bash
# Installs the packages of a lock file into .venv: install.sh LOCK [PYTHON]
set -euo pipefail
lock=$1
python=${2:-python3}
say() { printf '\033[2m%s\033[0m\n' "$*" >&2; }

"$python" - <<'PY' || { echo "Python 3.11 to 3.14 is needed: make ... PYTHON=python3.12" >&2; exit 2; }
import sys
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PY
if [ ! -x .venv/bin/python ]; then
    say "making .venv"
    "$python" -m venv .venv || { echo "python3-venv is needed (Debian: apt install python3-venv)" >&2; exit 2; }
fi
if [ ! -x .venv/bin/uv ]; then
    say "fetching uv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
fi
say "installing $(grep -c '^[a-z0-9].*==' "$lock") packages from $lock"
# uv stays: it is in the development lock, and the other one does not name it. Compiled now, each
# process starts in half the time where Python is told to write no bytecode.
VIRTUAL_ENV=.venv .venv/bin/uv pip sync --require-hashes --compile-bytecode "$lock"
[ -x .venv/bin/uv ] || .venv/bin/python -m ensurepip >/dev/null
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
VIRTUAL_ENV=.venv .venv/bin/uv pip install --quiet --no-deps --editable .
