# Needs Go, make and git; "make e2e" also real clients, see .ci/run.

ARGS     =
FUZZTIME = 10s
CROSS    = linux/amd64 linux/arm64 linux/386 darwin/arm64 windows/amd64 freebsd/amd64 openbsd/amd64 netbsd/amd64 illumos/amd64

.PHONY: help run test race e2e fuzz bench lint cross clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

run: testdata/sample ## serve a small sample tree; more flags in ARGS='...'
	go build -o bin/sluice ./cmd/sluice && exec bin/sluice serve $(ARGS) testdata/sample

test: ## all tests but those of make e2e
	go test ./...

race: ## the same under the race detector
	go test -race ./...

e2e: ## the program against real clients: curl, wget, lftp, aria2c
	go test -tags e2e ./cmd/sluice/e2e/... -count=1

fuzz: ## each fuzz target for FUZZTIME=10s
	tools/fuzz.sh $(FUZZTIME)

bench: ## benchmarks of the two fast roads
	go test -run=NONE -bench=. -benchmem ./sendfile ./httpd

lint: ## gofmt, go vet, staticcheck
	@bad=$$(gofmt -l .) && test -z "$$bad" || { echo "not formatted:" $$bad; exit 1; }
	go vet -tags e2e ./... ./testdata/mksample
	go tool -modfile=tools/go.mod staticcheck -tags e2e ./... ./testdata/mksample

cross: ## go vet for every platform
	@for p in $(CROSS); do echo "$$p"; GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 go vet ./... || exit 1; done

clean: ## remove what make made
	rm -rf bin testdata/sample

testdata/sample:
	go run ./testdata/mksample $@
