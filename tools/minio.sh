#!/bin/sh
# Prints the path of MinIO, an object store with versions of objects. It is built once, as a module of its own, in the
# user's cache directory: some minutes, and 1.5 GB of memory.
set -eu
version=v0.0.0-20260212201848-7aac2a2c5b7c
dir=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/minio-$version
[ -x "$dir/minio" ] ||
	GOBIN=$dir CGO_ENABLED=0 GOTOOLCHAIN=local go install -p 1 "github.com/minio/minio@$version" >&2
echo "$dir/minio"
