# Needs Go, make and git. "make e2e", "make test-windows" and "make test-arch"
# also need programs that .ci/run installs on Debian.

ARGS     =
FUZZTIME = 10s
MORE     = ./testdata/mksample ./testdata/typecheck ./testdata/wineshim ./metrics/testdata/record
HOLE     = $(if $(filter linux,$(shell go env GOOS)),./cmd/sluice/e2e/testdata/hole ./cmd/sluice/e2e/testdata/shorttimes)

# Servers of HTTP have event loops on Linux. There their tests run once more without.
GOROUTINES = SLUICE_TEST_DRIVER=goroutines
DRIVEN     = $(if $(filter linux,$(shell go env GOOS)),./httpd)

# The names of their tests that need an object store end in Versitygw or MinIO.
OVER_S3 = ./s3fs ./ftpd ./httpd

# All platforms that Go builds for without cgo, except js, wasip1 and plan9, which
# lack the system calls.
PLATFORMS = $(shell go tool dist list | grep -vE '^(js|wasip1|plan9|ios)/|^android/(386|amd64|arm)$$')

# go vet compiles all imported packages for each platform, which takes half a minute
# if they are not cached. So it runs once for each set of platform files, whose types it
# checks too; "make lint" covers linux. VET='$(PLATFORMS)' takes 20 minutes.
VET = windows/amd64 darwin/arm64 freebsd/amd64 illumos/amd64 openbsd/amd64

.PHONY: help run store test race test-s3 test-s3-minio test-windows test-arch e2e torture soak fuzz bench bench-http bench-ftp bench-store bench-go bench-metrics lint cross clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

run: bin/sluice testdata/sample ## serve a small sample tree; add flags with ARGS='...'
	exec bin/sluice serve $(ARGS) testdata/sample

test: ## all tests except those of make e2e
	go test ./... $(MORE)
	$(GOROUTINES) go test $(DRIVEN)
	cd testdata/embed && go test ./...

race: ## the tests of make test under the race detector, except those of the tree of sources
	all=$$(go list ./...) && go test -race $$(echo "$$all" | grep -v '^sluice$$')
	$(GOROUTINES) go test -race $(DRIVEN)

test-s3: ## tests that need an object store, with versitygw, which is built first in the user's cache directory
	SLUICE_VERSITYGW=$$(tools/versitygw.sh) go test -count=1 -timeout 5m -run 'Versitygw$$' $(OVER_S3)

test-s3-minio: ## the same with MinIO, which takes minutes to build; not a part of .ci/run
	SLUICE_MINIO=$$(tools/minio.sh) go test -count=1 -timeout 10m -run 'MinIO$$' $(OVER_S3)

test-windows: ## tests of the packages that depend on Windows, under wine
	tools/wine.sh ./sendfile ./internal/vfs ./internal/nettest ./internal/fileid ./internal/filecache ./internal/digest ./httpd/... ./metrics

test-arch: ## tests of the packages that depend on the processor: 386, and arm64, arm, riscv64 and s390x under qemu
	tools/arch.sh ./sendfile ./internal/nettest ./httpd/internal/drive

e2e: ## tests of the program with real clients: curl, wget, wget2, lftp, aria2c, ncftp, tnftp, ftplib, versitygw, haproxy, nginx, rclone, httpdirfs, varnish, litmus, cadaver, davfs2, basic-ftp, tus-js-client, perl, ruby, ab, wrk, unzip, chromium, h2spec
	go mod download # also what only other systems need: the README's program is built without a network
	SLUICE_VERSITYGW=$$(tools/versitygw.sh) go test -tags e2e ./cmd/sluice/e2e/... -count=1 -timeout 20m

torture: ## e2e tests of lost clients, failing disks and crashes, 100 times each, and of attacks, as root; see docs/torture.md
	TORTURE=1 SLUICE_VERSITYGW=$$(tools/versitygw.sh) go test -tags e2e ./cmd/sluice/e2e/... -count=1 -timeout 90m -v

soak: ## ten million short connections, or SOAK of them; a quarter of an hour and more
	SOAK=$${SOAK:-10000000} go test -tags e2e ./cmd/sluice/e2e -count=1 -timeout 6h -run '^TestShortConnectionsLeaveNothing$$' -v

fuzz: ## run each fuzz target for FUZZTIME (10s)
	tools/fuzz.sh $(FUZZTIME)

bench: bin/sluice ## what each way to send a file costs here; more flags in ARGS='...'
	bin/sluice bench methods $(ARGS)

bench-http: bin/sluice ## compare this server with others that are installed, over HTTP
	bin/sluice bench compare http $(ARGS)

bench-ftp: bin/sluice ## the same over FTP
	bin/sluice bench compare ftp $(ARGS)

bench-store: bin/sluice ## the same for a bucket: with cache, redirects and several processes, next to rclone and s3fs-fuse
	bin/sluice bench compare store --store-program "$$(tools/versitygw.sh)" $(ARGS)

bench-go: ## the Go benchmarks
	go test -run=NONE -bench=. -benchmem ./sendfile ./httpd/... ./ftpd ./internal/...

bench-metrics: ## what metrics costs, compared with gopsutil and psutil
	go test -run=NONE -bench=. -benchmem ./metrics

lint: ## gofmt, go vet, staticcheck
	@bad=$$(gofmt -l .) && test -z "$$bad" || { echo "not formatted:" $$bad; exit 1; }
	go vet -tags e2e ./... $(MORE) $(HOLE)
	cd testdata/embed && go vet ./...
	go tool -modfile=tools/go.mod staticcheck -tags e2e ./... $(MORE) $(HOLE)

cross: ## check types for all platforms, and run go vet for one of each kind
	go run ./testdata/typecheck $(filter-out $(VET),$(PLATFORMS))
	@for p in $(VET); do echo "go vet for $$p"; GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 go vet ./... || exit 1; done

store: testdata/sample ## run versitygw, an object store, with the sample tree as the bucket "sample"
	mkdir -p bin/store && cp -r testdata/sample bin/store/
	exec $$(tools/versitygw.sh) --quiet --keep-alive --access test --secret testtest --port 127.0.0.1:7070 posix bin/store

clean: ## remove built files
	rm -rf bin testdata/sample

bin/sluice: FORCE
	go build -o $@ ./cmd/sluice

FORCE:

testdata/sample:
	go run ./testdata/mksample $@
