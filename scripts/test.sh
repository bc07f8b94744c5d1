#!/usr/bin/env bash
# Every test, in two lanes: what speaks or watches a browser does so in real time, one test after
# another; the rest runs beside it with what the machine has left. With arguments: pytest with them.
set -euo pipefail
pytest=.venv/bin/pytest
[ $# = 0 ] || exec "$pytest" "$@"
in_real_time=(tests/voice tests/browser tests/integration/test_survival.py
    tests/integration/test_livekit_survival.py)
kept=$(mktemp -d)
rest=(tests -o cache_dir="$kept/cache" "${in_real_time[@]/#/--ignore=}")
beside=
trap 'kill $beside 2>/dev/null || true; rm -rf "$kept"' EXIT
scripts/beside.sh "$pytest" --durations=25 "${rest[@]}" >"$kept/report" 2>&1 &
beside=$!
failed=0
"$pytest" --durations=25 -p no:cacheprovider "${in_real_time[@]}" || failed=$?
found=0
wait "$beside" || found=$?
printf '\nbeside these:\n'
cat "$kept/report"
# What failed with what was left of the machine may have come too late for its deadlines. With the
# machine to itself it may not fail again.
if [ "$found" = 1 ]; then
    printf '\nagain, alone:\n'
    found=0
    "$pytest" --last-failed --last-failed-no-failures=none "${rest[@]}" || found=$?
fi
[ "$found" = 0 ] || failed=$found
exit "$failed"
