# shellcheck shell=bash
# What things are called, and the tables in deploy/*.tsv.

# table prints a generated table without its comments.
table() { grep -v '^#' "deploy/$1.tsv"; }

all_functions() { table functions | cut -f1; }

# functions lists those that this run deploys.
functions() { if [ -n "$only" ]; then printf '%s\n' "$only"; else all_functions; fi; }

# column prints a column of a function's row; - is nothing.
column() { table functions | awk -F '\t' -v name="$1" -v n="$2" '$1 == name && $n != "-" { print $n }'; }

# kinds prints the kinds of entities, those of the collections that were named too.
kinds() {
	local name
	table kinds | grep -v -F '*'
	for name in $collections; do
		table kinds | grep -F '*' | sed "s/\\*/$name/"
	done
}

gateway_account=tallystick-gateway
build_account=tallystick-build
api=tallystick
key=Tallystick

account() { printf 'tallystick-%s' "$1"; }
email() { printf '%s@%s.iam.gserviceaccount.com' "$1" "$project"; }
role() { printf 'tallystick_%s' "$1"; }
secret() { printf 'tallystick-partner-%s' "$1"; }

# with_store lists the functions that have a store.
with_store() {
	local name
	for name in $(functions); do
		[ -z "$(column "$name" 3)" ] || printf '%s\n' "$name"
	done
}

with_partners() {
	local name
	for name in $(functions); do
		[ -z "$(column "$name" 4)" ] || printf '%s\n' "$name"
	done
}

# sha256 prints the first 40 digits of standard input's hash: as many fit a label.
sha256() {
	if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-40
}
