#!/bin/sh
# Runs every fuzz target of the module for the time given (10s): go test -fuzz
# takes one target of one package at a time. Stops at the first failure.
set -eu

time=${1:-10s}
list=$(go test -list '^Fuzz' ./...) || { echo "$list" >&2; exit 1; }

# The list has the targets of a package and then "ok", the package, the time.
echo "$list" |
	awk '/^Fuzz/ { target[n++] = $1 } $1 == "ok" { for (i = 0; i < n; i++) print $2, target[i]; n = 0 }' |
	while read -r package target; do
		echo "== $package $target"
		go test -run='^$' -fuzz="^$target\$" -fuzztime="$time" "$package" </dev/null
	done
