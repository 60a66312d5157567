#!/bin/sh
# Usage: tools/fuzz.sh [TIME]
# Runs every fuzz target of the module for TIME (10s), one after the other, because
# go test -fuzz accepts only one. Stops at the first failure.
set -eu

time=${1:-10s}
list=$(go test -list '^Fuzz' ./...) || { echo "$list" >&2; exit 1; }

# For each package the list has its targets, then a line "ok PACKAGE TIME".
echo "$list" |
	awk '/^Fuzz/ { target[n++] = $1 } $1 == "ok" { for (i = 0; i < n; i++) print $2, target[i]; n = 0 }' |
	while read -r package target; do
		echo "== $package $target"
		go test -run='^$' -fuzz="^$target\$" -fuzztime="$time" "$package" </dev/null
	done
