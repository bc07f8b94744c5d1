#!/usr/bin/env bash
# Every test, in three lanes: what speaks does so in real time, one test after another; what watches
# a browser or a killed product too, beside it; the rest runs with what the machine has left. With
# arguments: pytest with them.
set -euo pipefail
pytest=.venv/bin/pytest
[ $# = 0 ] || exec "$pytest" "$@"
speaking=(tests/voice)
watching=(tests/browser tests/integration/test_survival.py tests/integration/test_livekit_survival.py)
# What comes too late for its deadline with what is left of the processor is run again, and the
# summary says so; what is wrong in any other way is not. An activity that does is one more attempt.
once_more=(--reruns 2 --only-rerun "not within" --only-rerun "attempts without a fault"
    -p no:cacheprovider)
reports=$(mktemp -d)
lanes=()
trap 'kill "${lanes[@]}" 2>/dev/null || true; rm -rf "$reports"' EXIT
lane() { "${@:2}" >"$reports/$1" 2>&1 & lanes+=($!); }  # lane NAME COMMAND...
lane beside scripts/beside.sh "$pytest" tests "${once_more[@]}" --durations=25 \
    "${speaking[@]/#/--ignore=}" "${watching[@]/#/--ignore=}"
lane watching "$pytest" --durations=25 -p no:cacheprovider "${watching[@]}"
failed=0
"$pytest" --durations=25 "${speaking[@]}" || failed=$?
for lane in "${lanes[@]}"; do wait "$lane" || failed=$?; done
for report in watching beside; do printf '\n%s:\n' "$report"; cat "$reports/$report"; done
exit "$failed"
