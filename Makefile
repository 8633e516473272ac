# litesoc: make builds, make test tests, make check is what CI runs.
# Needed: Go, a C++ compiler (DuckDB), git, and a Go module proxy at the first run.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 60s
TIMEOUT  ?= 15m
SEEDS    ?= 8
LINES    ?= 300000
CODE     := cmd detect parsers report

.DEFAULT_GOAL := build
.PHONY: build test check golden fuzz bench scorecard demo clean help

build: ## build ./litesoc (the default)
	CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o litesoc ./cmd/litesoc

test: ## run all tests; those of parsers and detect alone need no C compiler
	$(GO) test ./...

check: bin/staticcheck ## all that CI checks: format, vet, staticcheck, modules, tests with the race detector
	@$(call step,gofmt,files="$$(gofmt -l $(CODE))"; test -z "$$files" || { echo "not as gofmt has it:"; echo "$$files"; false; })
	@$(call step,go vet,$(GO) vet ./...)
	@$(call step,staticcheck,bin/staticcheck ./...)
	@$(call step,go mod tidy,$(GO) mod tidy -diff)
	@$(call step,go mod verify,$(GO) mod verify)
	@$(call step,go test -race,CGO_ENABLED=1 $(GO) test -race -timeout $(TIMEOUT) ./...)

# step runs a command under a name, and says the name again if it fails.
step = echo '== $(1)'; { $(2); } || { echo '== $(1): FAILED' >&2; exit 1; }

bin/staticcheck: .tools/go.mod .tools/go.sum
	$(GO) build -C .tools -o ../bin/ tool
	@touch $@

golden: ## write the golden files anew; read the diff as if someone else had sent it
	$(GO) test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' $(CODE) | xargs -n1 dirname | sort -u | sed 's|^|./|') -update

fuzz: ## run each fuzz target for FUZZTIME (60s)
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $(CODE) | sort | while IFS=: read -r file func; do \
		echo "== $${file%/*} $${func#func }"; \
		$(GO) test "./$${file%/*}" -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s || exit 1; \
	done

bench: ## run all benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

scorecard: ## play attacks amid benign traffic (SEEDS times LINES lines): what is missed, and who is accused falsely
	$(GO) test ./detect -run '^TestScorecard' -count=1 -timeout $(TIMEOUT) -v -args -scorecard.seeds $(SEEDS) -scorecard.lines $(LINES)

demo: build ## scan the demo log
	./litesoc scan --db :memory: testdata/demo/access.log.gz

clean: ## remove what the build made
	rm -rf litesoc bin .cache

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12
