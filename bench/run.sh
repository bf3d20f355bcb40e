#!/usr/bin/env bash
# Runs all comparisons, or those that match the pattern given.
set -euo pipefail
cd "$(dirname "$0")/.."
go test -run '^$' -bench "${1:-.}" -benchtime 1x -timeout 60m -v ./bench
