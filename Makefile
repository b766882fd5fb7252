# Wheelwright's commands. `make run` and `make test` are the two of the README.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
GO          ?= go
BIN         := bin/wheelwright
PROFILE     ?= ada_cu124
FUZZTIME    ?= 60s
SEED        ?= 1
SCALE       ?= 10
WORLDS      ?= 20000
SOLVES      ?= 20000
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# -buildvcs=false: the bytes of a build say nothing of the checkout it came from.
export GOFLAGS := $(filter-out -buildvcs=%,$(GOFLAGS)) -buildvcs=false

.PHONY: build run test race long live bench record lint clean

# CGO_ENABLED=0: one static file, no NVML (profiles/gpu then reads nvidia-smi).
build:
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/wheelwright

# The main job on the real index: profile to lock, wheelhouse and image.
run: build
	$(BIN) build --profile $(PROFILE) --to oci:out/$(PROFILE)

# Every default test: no network, seconds. Built as the program is, so that
# what make run compiled is not compiled again. Then, from the same tests, how
# much was compared with CPython's packaging and how much differs.
test:
	CGO_ENABLED=0 $(GO) test -trimpath ./...
	@CGO_ENABLED=0 GOFLAGS="$$GOFLAGS -trimpath" GO="$(GO)" scripts/vectors.sh

# Not what is pure (internal/layout holds that): nothing there runs side by side.
# -short: of what takes long, as much as shows a race.
race:
	$(GO) test -race -short -timeout 9m $$($(GO) list ./... | grep -vE "^wheelwright/(solver|images/layer/deflate)")

# Answers that packaging gives now for SEED (python3 with packaging 26.3;
# VECTORS=no goes without), many more random worlds than by default, then every
# fuzz target for FUZZTIME. SEED is a fixed number, so that a failure comes
# back: give others to see more.
long:
ifneq ($(VECTORS),no)
	GO="$(GO)" SCALE=$(SCALE) scripts/vectors.sh $(SEED)
endif
	$(GO) test -v -count=1 -timeout 60m ./solver/engine -worlds $(WORLDS) -seed $(SEED) | grep -vE '^(===|PASS| +--- PASS)'
	$(GO) test -v -count=1 -timeout 60m ./solver -worlds $(SOLVES) -seed $(SEED) -shuffles 1000 | grep -vE '^(===|PASS| +--- PASS)'
	FUZZTIME=$(FUZZTIME) GO="$(GO)" scripts/fuzz.sh

# Against the real index and mirror, then the whole job with real runtimes, the
# base beside debootstrap's, the readers of images, registries and continuous
# integration. Needs the network,
# root, and the tools that each script names.
live: build
	$(GO) test -tags live -count=1 -timeout 30m ./...
	scripts/shows.sh $(PROFILE)
	scripts/debootstrap.py $(PROFILE)
	scripts/runtime.sh $(PROFILE)
	scripts/carried.sh $(PROFILE)
	scripts/readers.sh
	scripts/push.sh
	scripts/same.sh
	scripts/ci-recipe.py

# Go benchmarks, then lock time and memory beside uv's, layers beside gzip,
# pigz, cat and curl, in the same run, with the bounds that must hold, and the
# start of a command beside chroot and runc. BENCH=ROW… and LAYERS=ROW… for some
# rows alone (scripts/bench.py, scripts/layers.py).
bench: build
	$(GO) test -run '^$$' -bench . -benchmem ./...
	scripts/bench.py $(BENCH)
	scripts/layers.py $(LAYERS)
	scripts/sandbox.py

# Reads the real index again into testdata/index (see its README).
record:
	$(GO) run ./cmd/record -out testdata/index

lint:
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	  if [ -n "$$bad" ]; then echo "not gofmt-ed:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags live ./...
	$(GO) run $(STATICCHECK) ./...

clean:
	rm -rf bin out wheelhouse.*/
