# shellcheck shell=bash
# Every function called through the gateway: each has a smoke_NAME here.

smoke_test() {
	$smoke || return 0
	if $dry; then
		say "# then every function is called once through the gateway"
		return
	fi
	begin "Smoke test"
	local host secret_key name
	host=$(found gateways $api 3)
	secret_key=$(ask services api-keys get-key-string "$(key_id)" --format='value(keyString)')
	printf 'header = "x-api-key: %s"\n' "$secret_key" >"$tmp/key"
	[ -z "${TALLYSTICK_USER:-}" ] || printf 'user = "%s"\n' "$TALLYSTICK_USER" >>"$tmp/key"
	: >"$tmp/no-key"
	while IFS='	' read -r name _; do
		! command -v "smoke_$name" >/dev/null || "smoke_$name" "https://$host" </dev/null
	done <"$tmp/addresses"
	say "   every function answers"
	step=''
}

smoke_visits() {
	expect 200 '"visits":' no-key POST "$1/visits?page=/tallystick-smoke-test"
	expect 200 '"pages":' key GET "$1/visits/top?pageSize=1"
	expect 401 '"code":401' no-key GET "$1/visits/top?pageSize=1"
	expect 200 '' key DELETE "$1/visits?page=/tallystick-smoke-test"
}
smoke_store() { expect 404 '"code":"RECORD_NOT_FOUND"' key PATCH "$1/records/tallystick-smoke-test/none" '{}'; }
smoke_fetch() { expect 200 '"collections":' key GET "$1/collections"; }
smoke_remove() { expect 200 '"missing":' key DELETE "$1/delete?collection=tallystick-smoke-test&ids=none"; }
smoke_stock() { expect 200 '"items":' key GET "$1/items?pageSize=1"; }
smoke_update() { expect 200 '"updates":' key GET "$1/partners/nobody/updates"; }
smoke_docs() { expect 200 '"openapi":' no-key GET "$1/openapi.json"; }

# expect calls until the answer is as it should be: a new gateway, and a new key, take
# some minutes to be known everywhere.
expect() {
	local status=$1 text=$2 with=$3 method=$4 url=$5 body=${6:-} got pause
	for pause in 1 2 4 8 16 30 30 30 30 30 0; do
		set -- --silent --show-error --max-time 30 --config "$tmp/$with" --request "$method" --output "$tmp/reply" --write-out '%{http_code}'
		[ -z "$body" ] || set -- "$@" --header 'Content-Type: application/json' --data "$body"
		got=$(curl "$@" "$url" 2>"$tmp/curl" || cat "$tmp/curl")
		if [ "$got" = "$status" ] && grep -qF -- "$text" "$tmp/reply"; then
			say "   $method ${url#https://*/} $got"
			return
		fi
		[ $pause = 0 ] || sleep $pause
	done
	stop "$method $url answered $got and not $status: $(head -c 500 "$tmp/reply" 2>/dev/null || true)"
}
