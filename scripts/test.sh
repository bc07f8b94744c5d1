#!/usr/bin/env bash
# Every test, on each processor one file after another: first what speaks or watches a browser, which
# is waited for more than it works, then the rest. The folders' order puts the longest files first.
# With arguments: pytest with them.
set -euo pipefail
pytest=.venv/bin/pytest
[ $# = 0 ] || exec "$pytest" "$@"
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
# Those with a mark. What failed while others ran may have come too late for its deadlines; with the
# machine to itself it may not fail again.
hold() {
    local tests=(-m "$1" -o cache_dir="$kept/$1") status=0
    "$pytest" --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
        --durations 25 "${tests[@]}" || status=$?
    [ "$status" = 1 ] || return "$status"
    printf '\nagain, alone:\n'
    "$pytest" --last-failed --last-failed-no-failures none "${tests[@]}"
}
failed=0
hold "real_time" || failed=$?
hold "not real_time" || failed=$?
exit "$failed"
