#!/bin/sh
# Runs the tests of the given packages as Linux programs for other processors: 386
# natively, because qemu-i386 crashes Go programs, the others under qemu. Two of them
# have 32 bits, one is big-endian.
#
# -short skips tests that move gigabytes, which takes minutes under emulation. Tests
# of offsets beyond 4 GiB move little data, and run.
set -eu
cd "$(dirname "$0")/.."

emulated='arm64/aarch64 arm/arm riscv64/riscv64 s390x/s390x' # GOARCH and qemu's name

for pair in $emulated; do
	qemu=qemu-${pair#*/}-static
	command -v "$qemu" >/dev/null && continue
	echo "$qemu is missing: apt-get install --no-install-recommends qemu-user-static" >&2
	exit 1
done

export GOOS=linux CGO_ENABLED=0

# The kernels of some virtual machines run no programs of 32 bits: then arm stands in.
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
GOARCH=386 go build -o "$probe" ./testdata/mksample
if "$probe" -h >/dev/null 2>&1 || [ $? -ne 126 ]; then
	echo 386
	GOARCH=386 go test -short -timeout 600s "$@"
else
	echo "386: this kernel cannot run it, so it is only checked by go vet"
	GOARCH=386 go vet "$@"
fi
# The imitation of TransmitFile reads the acknowledged bytes from TCP_INFO. qemu 7.2
# passes on only the first four bytes of that, so every peer looks stalled.
skip='^TestSendToASlowButMovingPeerTakesItsTime$/^transmitfile$'
for pair in $emulated; do
	echo "${pair%/*}"
	GOARCH=${pair%/*} go test -short -skip "$skip" -timeout 600s -exec "qemu-${pair#*/}-static" "$@"
done
