#!/usr/bin/env bash
# Every test, side by side by files (tests/conftest.py says which): first what speaks or watches a
# browser, then the rest, of which much waits. The folders' order puts the longest files first.
# With arguments: pytest with them.
set -euo pipefail
pytest=.venv/bin/pytest
[ $# = 0 ] || exec "$pytest" "$@"
unset PYTHONDONTWRITEBYTECODE  # what starts hundreds of times is compiled once
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
processors=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
[ "$processors" -le 4 ] || processors=4  # each takes servers, models and a browser of its own
# So many at once of those with a mark. What failed while others ran may have come too late for its
# deadlines; with the machine to itself it may not fail again.
hold() {
    local tests=(-m "$2" -o cache_dir="$kept/$2") status=0
    "$pytest" --numprocesses "$1" --no-loadscope-reorder --durations 25 \
        "${tests[@]}" || status=$?
    [ "$status" = 1 ] || return "$status"
    printf '\nagain, alone:\n'
    "$pytest" --last-failed --last-failed-no-failures none "${tests[@]}"
}
failed=0
hold "$processors" "real_time" || failed=$?  # with one more they come too late
hold "$((2 * processors))" "not real_time" || failed=$?
exit "$failed"
