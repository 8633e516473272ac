# litesoc: make builds, make test tests, make check is what CI runs.
# Needed: Go, a C++ compiler (DuckDB), git, and a Go module proxy at the first run.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMITTED ?= $(shell git log -1 --format=%ct 2>/dev/null)
FUZZTIME ?= 60s
TIMEOUT  ?= 30m
SEEDS    ?= 8
LINES    ?= 300000
ROUNDS   ?= 3
MILLIONS ?= 1
GROWTH   ?= 1 10 50
SECONDS  ?= 600
RATE     ?= 20000
BURST    ?= 100000
FORMAT   ?= combined
CLIENTS  ?= 20000
SEED     ?= 11
LOG      ?= .cache/traffic.log
CODE     := cmd detect parsers report

.DEFAULT_GOAL := build
.PHONY: build test check golden fuzz traffic bench bench-growth soak bench-compare scorecard demo dist dist-check clean help

build: ## build ./litesoc (the default)
	CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION) -X main.committed=$(COMMITTED)' -o litesoc ./cmd/litesoc

test: ## run all tests; those of parsers and detect alone need no C compiler
	$(GO) test ./...

check: bin/staticcheck ## all that CI checks: format, vet, staticcheck, modules, tests with the race detector
	@$(call step,gofmt,files="$$(gofmt -l $(CODE))"; test -z "$$files" || { echo "not as gofmt has it:"; echo "$$files"; false; })
	@$(call step,go vet,$(GO) vet ./... ./.dist)
	@$(call step,for other systems,for os in darwin windows; do CGO_ENABLED=0 GOOS=$$os $(GO) vet ./parsers/... ./detect/... ./report ./report/notify || exit 1; done)
	@$(call step,staticcheck,bin/staticcheck ./... ./.dist)
	@$(call step,go mod tidy,$(GO) mod tidy -diff)
	@$(call step,go mod verify,$(GO) mod verify)
	@$(call step,go test,CGO_ENABLED=1 $(GO) test -timeout $(TIMEOUT) ./... ./.dist)
	@$(call step,go test -race -short,CGO_ENABLED=1 $(GO) test -race -short -timeout $(TIMEOUT) ./...)
	@for tool in nginx nft haproxy ipset unshare chromedriver logrotate openssl valgrind; do PATH="$$PATH:/usr/sbin:/sbin" command -v $$tool >/dev/null || \
		echo "== not tested for want of a tool: what needs $$tool" >&2; done

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

traffic: ## write the log that benchmarks read to LOG: MILLIONS of lines (1) in FORMAT combined, users, queries, alb or json, of CLIENTS (20000), from SEED (11)
	@mkdir -p .cache && CGO_ENABLED=1 $(GO) test -c -o .cache/here.test ./cmd/litesoc
	@log="$(abspath $(LOG))" && cd cmd/litesoc && said="$$(../../.cache/here.test -test.run '^TestTraffic$$' -traffic "$$log" -lines $(MILLIONS)000000 \
		-traffic-format $(FORMAT) -traffic-clients $(CLIENTS) -traffic-seed $(SEED))" && ls -l "$$log" || { echo "$$said" >&2; exit 1; }

bench: ## say how fast it is, on logs of MILLIONS of lines (1): medians of ROUNDS rounds (3), with the spread
	@mkdir -p .cache && CGO_ENABLED=1 $(GO) test -c -o .cache/here.test ./cmd/litesoc
	@cd cmd/litesoc && ../../.cache/here.test -test.run '^TestTable$$' -table -lines $(MILLIONS)000000 -rounds $(ROUNDS)

bench-growth: ## say what scans of GROWTH ("1 10 50") million lines take: time and memory
	@mkdir -p .cache && CGO_ENABLED=1 $(GO) test -c -o .cache/here.test ./cmd/litesoc
	@cd cmd/litesoc && ../../.cache/here.test -test.run '^TestGrowth$$' -test.timeout 0 -growth "$(GROWTH)"

soak: ## follow a log that grows by RATE (20000) lines a second for SECONDS (600): latency, memory, queries meanwhile
	@mkdir -p .cache && CGO_ENABLED=1 $(GO) test -c -o .cache/here.test ./cmd/litesoc
	@cd cmd/litesoc && ../../.cache/here.test -test.run '^TestSoak$$' -test.timeout 0 -soak $(SECONDS)s -rate $(RATE) -burst $(BURST)

bench-compare: ## compare the stages with those of another commit, in turns: make bench-compare BASE=main
	@test -n "$(BASE)" || { echo "which commit? make bench-compare BASE=main" >&2; exit 2; }
	@rm -rf .cache/base && mkdir -p .cache && git worktree prune && git worktree add --quiet --detach .cache/base $(BASE)
	@cd .cache/base && CGO_ENABLED=1 $(GO) test -c -o ../base.test ./cmd/litesoc; cd ../.. && git worktree remove --force .cache/base
	@CGO_ENABLED=1 $(GO) test -c -o .cache/here.test ./cmd/litesoc
	@for round in $$(seq $(ROUNDS)); do for which in base here; do \
		(cd cmd/litesoc && ../../.cache/$$which.test -test.run '^$$' -test.bench Stages -test.benchtime 1x) | sed -n "s/^Benchmark/$$which /p"; \
	done; done | awk '{ for (i = 2; i <= NF; i++) if ($$i == "lines/s") { k = $$1 " " $$2; v[k, ++n[k]] = $$(i-1); names[$$2] } } \
		function median(k,  i, j, t) { for (i = 2; i <= n[k]; i++) for (j = i; j > 1 && v[k, j] < v[k, j-1]; j--) { t = v[k, j]; v[k, j] = v[k, j-1]; v[k, j-1] = t } \
			return v[k, int((n[k] + 1) / 2)] } \
		END { for (s in names) { b = median("base " s); h = median("here " s); printf "%-24s %10d lines/s, here %10d: %.2f times\n", s, b, h, h / b } }' | sort

scorecard: ## play attacks amid benign traffic (SEEDS times LINES lines): what is missed, and who is accused falsely
	$(GO) test ./detect -run '^TestScorecard' -count=1 -timeout $(TIMEOUT) -v -args -scorecard.seeds $(SEEDS) -scorecard.lines $(LINES)

demo: build ## make a sample log with attacks in it, scan it and show what is found
	./litesoc demo .cache/demo

dist: ## build what is given to others, in bin/dist: static binaries, archives, Debian packages, bills of materials, checksums
	@rm -rf bin/dist && .dist/build $(VERSION) bin/dist && cat bin/dist/SHA256SUMS

# CACHE, an empty one unless given, is the build cache of the second time.
dist-check: dist ## build it twice, in two folders and with two build caches: the same bytes
	@again="$$(mktemp -d)" && trap 'chmod -R u+w "$$again" && rm -rf "$$again"' EXIT && mkdir "$$again/src" && \
		git ls-files -z | tar --null -T - -cf - | tar -C "$$again/src" -xf - && \
		GOCACHE="$${CACHE:-$$again/cache}" SOURCE_DATE_EPOCH=$(COMMITTED) "$$again/src/.dist/build" $(VERSION) "$$again/dist" && \
		diff bin/dist/SHA256SUMS "$$again/dist/SHA256SUMS" && echo "the same bytes"

clean: ## remove what the build made
	rm -rf litesoc bin .cache

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12
