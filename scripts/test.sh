#!/usr/bin/env bash
# Every test, in two lanes: what speaks or watches a browser does so in real time, one test after
# another; the rest runs beside it with what the machine has left. With arguments: pytest with them.
set -euo pipefail
pytest=.venv/bin/pytest
[ $# = 0 ] || exec "$pytest" "$@"
in_real_time=(tests/voice tests/browser tests/integration/test_survival.py
    tests/integration/test_livekit_survival.py tests/integration/test_chaos_rooms.py)
kept=$(mktemp -d)
speaking=("${in_real_time[@]}" -o cache_dir="$kept/speaking")
rest=(tests "${in_real_time[@]/#/--ignore=}" -o cache_dir="$kept/rest")
beside=
trap 'kill $beside 2>/dev/null || true; rm -rf "$kept"' EXIT
scripts/beside.sh "$pytest" --durations=25 "${rest[@]}" >"$kept/report" 2>&1 &
beside=$!
spoken=0 beside_it=0
"$pytest" --durations=25 "${speaking[@]}" || spoken=$?
wait "$beside" || beside_it=$?
printf '\nbeside these:\n'
cat "$kept/report"
# What failed while others ran may have come too late for its deadlines. With the machine to itself
# it may not fail again.
again_alone() {
    printf '\nagain, alone:\n'
    "$pytest" --last-failed --last-failed-no-failures=none "$@"
}
if [ "$spoken" = 1 ]; then spoken=0 && again_alone "${speaking[@]}" || spoken=$?; fi
if [ "$beside_it" = 1 ]; then beside_it=0 && again_alone "${rest[@]}" || beside_it=$?; fi
exit "$((spoken ? spoken : beside_it))"
