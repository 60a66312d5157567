#!/bin/sh
# Runs the tests of the given packages as Windows programs, under wine. What
# wine needs is made once, in bin/.wine: 700 MB in ten seconds. Ends what it
# started, and no other wine.
set -eu
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/lib/wine # where Debian has it
for program in wine64 wineserver64; do
	command -v "$program" >/dev/null && continue
	echo "$program is missing: apt-get install --no-install-recommends wine64" >&2
	exit 1
done

unset DISPLAY WAYLAND_DISPLAY
export WINEARCH=win64 WINEDEBUG=-all WINEPREFIX="$PWD/bin/.wine"
export WINEDLLOVERRIDES='winemenubuilder.exe,mscoree,mshtml=' # no menu entries, no .NET, no browser

# One run at a time: the last line of one would end the programs of another.
mkdir -p bin
exec 9>bin/.wine.lock
flock 9

ready=$WINEPREFIX/ready # the last that is made
[ -e "$ready" ] || rm -rf "$WINEPREFIX"
rm -rf "$WINEPREFIX"/drive_c/users/*/Temp/* # what tests left that were killed
mkdir -p "$WINEPREFIX"

# A server that stays saves two seconds for every program. It goes in the end, or ten minutes after a kill -9.
trap 'wineserver64 -k || :' EXIT # fails if it never started
trap 'exit 130' INT TERM
wineserver64 -p600 9>&-

# The first program starts the services of Windows, and they keep its output open: so it is not one of ours.
timeout 300 wine64 wineboot -i </dev/null >bin/.wine.log 2>&1 9>&- || { cat bin/.wine.log; exit 1; }

if [ ! -e "$ready" ]; then
	shim=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
	[ -e "$shim" ] || go run ./testdata/wineshim "$shim"
	touch "$ready"
fi

GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go test -short -timeout 300s -exec wine64 "$@" 9>&-
