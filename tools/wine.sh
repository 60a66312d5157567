#!/bin/sh
# Runs the tests of the given packages as Windows programs under wine. The first run
# makes wine's files in bin/.wine: 700 MB in ten seconds. At its end the script stops
# the wine processes that it started, and no others.
set -eu
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/lib/wine # Debian's folder for wine64
for program in wine64 wineserver64; do
	command -v "$program" >/dev/null && continue
	echo "$program is missing: apt-get install --no-install-recommends wine64" >&2
	exit 1
done

unset DISPLAY WAYLAND_DISPLAY
export WINEARCH=win64 WINEDEBUG=-all WINEPREFIX="$PWD/bin/.wine"
export WINEDLLOVERRIDES='winemenubuilder.exe,mscoree,mshtml=' # no menu entries, no .NET, no browser

# One run at a time: the end of one would stop the programs of another.
mkdir -p bin
exec 9>bin/.wine.lock
flock 9

ready=$WINEPREFIX/ready # made last, so its presence means that the prefix is complete
[ -e "$ready" ] || rm -rf "$WINEPREFIX"
rm -rf "$WINEPREFIX"/drive_c/users/*/Temp/* # left by tests that were killed
mkdir -p "$WINEPREFIX"

# A running wineserver saves two seconds for every program. The trap stops it; after
# a kill -9 of this script it ends by itself in ten minutes.
trap 'wineserver64 -k || :' EXIT # -k fails if it never started
trap 'exit 130' INT TERM
wineserver64 -p600 9>&-

# The first program under wine starts the services of Windows, which keep its output
# open. So that program is wineboot and not a test.
timeout 300 wine64 wineboot -i </dev/null >bin/.wine.log 2>&1 9>&- || { cat bin/.wine.log; exit 1; }

if [ ! -e "$ready" ]; then
	shim=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
	[ -e "$shim" ] || go run ./testdata/wineshim "$shim"
	touch "$ready"
fi

GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go test -short -timeout 1200s -exec wine64 "$@" 9>&-
