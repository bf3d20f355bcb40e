# make test is all that CI runs. It installs what it can; what is missing on a laptop
# is skipped in words, and is a failure with CI=true.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# The race detector needs a C compiler.
RACE := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# What make test does, in this order.
STEPS := install gofmt vet staticcheck tidy tests

.PHONY: help test soak bench generate fmt $(STEPS)

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

test: ## everything: format, vet, staticcheck, go.mod, all tests
	@for step in $(STEPS); do \
		echo "== $$step"; start=$$SECONDS; \
		$(MAKE) $$step || exit 1; \
		echo "   $$step took $$((SECONDS - start)) s"; \
	done

soak: ## the tests' long forms
	SOAK=1 go test $(RACE) -count=1 -timeout=2h -p=1 ./...

bench: ## the comparisons of docs/benchmarks.md
	bench/run.sh

generate: ## write the generated files anew
	go generate ./...

fmt: ## format the code
	gofmt -w .

# Debian's packages, and a command of each that tells whether it is there.
PACKAGES := chromium:chromium shellcheck:shellcheck redis-server:redis-server e2fsprogs:mkfs.ext4 curl:curl openssl:openssl python3:python3 nodejs:node npm:npm nginx-light:nginx caddy:caddy

install:
	@missing=; for p in $(PACKAGES); do \
		command -v "$${p#*:}" >/dev/null || missing="$$missing $${p%%:*}"; done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $$missing; \
	else echo "missing, so tests that need them are skipped:$$missing"; fi
	@npm install --prefix tools --no-save --no-package-lock --no-audit --no-fund --loglevel=error >/dev/null || \
		echo "npm could not install what tools/package.json names: tests that need it are skipped"
	@command -v gcloud >/dev/null && command -v java >/dev/null || \
		echo "gcloud with its emulators, or java, is missing: tests on them are skipped"
	@if [ -z "$(RACE)" ]; then \
		echo "a C compiler is missing: tests run without the race detector"; [ "$${CI:-}" != true ]; fi

gofmt:
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "make fmt would change:" $$files; exit 1; fi

vet:
	@go vet ./...

staticcheck:
	@go tool -modfile=tools/go.mod staticcheck ./...

tidy:
	@go mod tidy -diff >/dev/null || { echo "run go mod tidy"; exit 1; }
	@go -C tools mod tidy -diff >/dev/null || { echo "run go -C tools mod tidy"; exit 1; }

# Three packages at a time, for gcloud and the emulators are waited for: one package may
# start three emulators (768 MB each) and a browser.
tests:
	@go test $(RACE) -p=3 -timeout=20m ./...
