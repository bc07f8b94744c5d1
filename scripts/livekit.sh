#!/usr/bin/env bash
# Builds the LiveKit server that tests and `make run TRANSPORT=livekit` start, once, into the user's
# cache. It needs Go, and two minutes the first time. Exit 3: there is no Go here.
set -euo pipefail
version=v1.13.5
folder=${XDG_CACHE_HOME:-$HOME/.cache}/codevoice
program=$folder/livekit-server-$version
[ -x "$program" ] && exit 0
PATH=$PATH:/usr/local/go/bin  # where Go's own installer puts it
if ! command -v go >/dev/null; then
    echo "Go is not installed: there is no LiveKit server here" >&2
    exit 3
fi
mkdir -p "$folder"
built=$(mktemp -d "$folder/build.XXXXXX")
trap 'rm -rf "$built"' EXIT
echo "building LiveKit's server $version, which takes two minutes" >&2
GOBIN=$built go install "github.com/livekit/livekit-server/cmd/server@$version"
mv "$built/server" "$program"
