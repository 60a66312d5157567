#!/bin/sh
# Prints the path of versitygw, an object store whose objects are plain files. It is
# built once, as a module of its own, in the user's cache directory.
set -eu
version=v1.8.0
dir=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/versitygw-$version
[ -x "$dir/versitygw" ] ||
	GOBIN=$dir go install "github.com/versity/versitygw/cmd/versitygw@$version" >&2
echo "$dir/versitygw"
