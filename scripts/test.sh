#!/usr/bin/env bash
# Every test, in two lanes: what speaks or watches a browser does so in real time, one test after
# another; the rest runs beside it with what the machine has left. With arguments: pytest with them.
set -euo pipefail
pytest=.venv/bin/pytest
[ $# = 0 ] || exec "$pytest" "$@"
in_real_time=(tests/voice tests/browser tests/integration/test_survival.py
    tests/integration/test_livekit_survival.py)
# What comes too late for its deadline with what is left of the processor is run again, and the
# summary says so; what is wrong in any other way is not. An activity that does is one more attempt.
once_more=(--reruns 2 --only-rerun "not within" --only-rerun "attempts without a fault"
    -p no:cacheprovider)
report=$(mktemp)
beside=
trap 'kill $beside 2>/dev/null || true; rm -f "$report"' EXIT
scripts/beside.sh "$pytest" tests "${once_more[@]}" "${in_real_time[@]/#/--ignore=}" >"$report" 2>&1 &
beside=$!
failed=0
"$pytest" --durations=25 "${in_real_time[@]}" || failed=$?
wait "$beside" || failed=$?
printf '\nbeside these:\n'
cat "$report"
exit "$failed"
