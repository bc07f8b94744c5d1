#!/usr/bin/env bash
# Every test, in three lanes: what speaks does so in real time, one test after another; what watches
# a browser or a killed product too, beside it; the rest runs with what the machine has left. With
# arguments: pytest with them.
set -euo pipefail
pytest=.venv/bin/pytest
[ $# = 0 ] || exec "$pytest" "$@"
speaking=(tests/voice)
watching=(tests/browser tests/integration/test_survival.py tests/integration/test_livekit_survival.py)
reports=$(mktemp -d)
lanes=()
trap 'kill "${lanes[@]}" 2>/dev/null || true; rm -rf "$reports"' EXIT
lane() { "${@:2}" >"$reports/$1" 2>&1 & lanes+=($!); }  # lane NAME COMMAND...
lane beside scripts/beside.sh "$pytest" tests --durations=25 -o cache_dir="$reports/cache" \
    "${speaking[@]/#/--ignore=}" "${watching[@]/#/--ignore=}"
lane watching "$pytest" --durations=25 -p no:cacheprovider "${watching[@]}"
failed=0 beside=0
"$pytest" --durations=25 -p no:cacheprovider "${speaking[@]}" || failed=$?
wait "${lanes[1]}" || failed=$?
wait "${lanes[0]}" || beside=$?
for lane in watching beside; do printf '\n%s:\n' "$lane"; cat "$reports/$lane"; done
# What failed with what was left of the machine may have come too late for its deadlines. With the
# machine to itself it may not fail again.
if [ "$beside" = 1 ]; then
    printf '\nagain, alone:\n'
    beside=0
    "$pytest" tests --last-failed --last-failed-no-failures=none -o cache_dir="$reports/cache" \
        "${speaking[@]/#/--ignore=}" "${watching[@]/#/--ignore=}" || beside=$?
fi
[ "$beside" = 0 ] || failed=$beside
exit "$failed"
