# shellcheck shell=bash
# The gateway, and the key to it.

make_gateway() {
	begin "Gateway"
	local id state
	render_config >"$tmp/gateway-config.yaml"
	id=$api-$(sha256 <"$tmp/gateway-config.yaml" | cut -c 1-12)
	! $dry || echo "# $(rendered gateway-config.yaml) is gateway-config.yaml with the functions' addresses in it."
	await apis $api 3
	if [ -z "$(found apis $api 1)" ]; then
		change "making API $api" api-gateway apis create $api --display-name=Tallystick
		look apis
	fi
	await configs "$id" 2
	state=$(found configs "$id" 2)
	if [ "$state" = FAILED ]; then
		change "removing config $id, which failed" api-gateway api-configs delete "$id" --api=$api
		state=''
	fi
	[ -n "$state" ] || settle "making config $id (takes some minutes)" api-gateway api-configs create "$id" --api=$api \
		--openapi-spec="$(rendered gateway-config.yaml)" --backend-auth-service-account="$(email $gateway_account)"
	await gateways $api 4
	give_config "$id"
	prune_configs "$id"
}

# await waits for what an earlier run began: until the state in a column of $tmp/FILE
# changes no more, or the thing is gone.
await() {
	local file=$1 name=$2 column=$3 tries=0 state
	state=$(found "$file" "$name" "$column")
	until has_word 'ACTIVE FAILED' "$state" || [ -z "$state" ]; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || stop "$name of the $file is still $state."
		say "   $name of the $file is $state, waiting"
		sleep 10
		look "$file"
		state=$(found "$file" "$name" "$column")
	done
}

# give_config lets the gateway have a config.
give_config() {
	if [ "$(found gateways $api 4)" = FAILED ]; then
		change "removing the gateway, which failed" api-gateway gateways delete $api --location="$region"
		look gateways
	fi
	case $(found gateways $api 2) in
	"$1")
		say "   the gateway has config $1"
		return
		;;
	'') change "making gateway $api (takes some minutes)" api-gateway gateways create $api --location="$region" --api=$api --api-config="$1" --display-name=Tallystick ;;
	*) change "giving the gateway config $1 (takes some minutes)" api-gateway gateways update $api --location="$region" --api=$api --api-config="$1" ;;
	esac
	look gateways
}

# render_config puts the functions' addresses into gateway-config.yaml. Routes of
# functions that are not deployed are left out; of a path whose preflight is such a
# function's, another of the path's functions answers it.
render_config() {
	if $dry; then
		cat gateway-config.yaml
		return
	fi
	list_addresses
	awk '
		function flush(  i, kept) {
			for (i = 1; i <= lines; i++) if (line[i] !~ /^    options:/) kept = kept line[i] "\n"
			if (kept != "") printf "%s%s", head, kept
			for (i = 1; i <= lines; i++) if (line[i] ~ /^    options:/ && kept != "") {
				if (gone(line[i])) sub(/\$\{[A-Z]*_URL\}/, last, line[i])
				print line[i]
			}
			head = last = ""; lines = 0
		}
		function gone(text) { return match(text, /\$\{[A-Z]*_URL\}/) }
		FILENAME == addresses { address[toupper($1)] = $2; next }
		{
			while (match($0, /\$\{[A-Z]*_URL\}/)) {
				name = substr($0, RSTART + 2, RLENGTH - 7)
				if (!(name in address)) break
				$0 = substr($0, 1, RSTART - 1) address[name] substr($0, RSTART + RLENGTH)
				if ($0 !~ /^    options:/) last = address[name]
			}
		}
		/^  \// { flush(); head = $0 "\n"; next }
		/^    / && head != "" { if (!gone($0) || /^    options:/) line[++lines] = $0; next }
		{ print }
		END { flush() }
	' addresses="$tmp/addresses" "$tmp/addresses" gateway-config.yaml
}

# list_addresses writes the functions that there are by now, and their addresses.
list_addresses() {
	ask functions list --v2 --regions="$region" --filter='labels.tallystick-source:* AND serviceConfig.uri:*' --format='value(name.basename(),serviceConfig.uri)' >"$tmp/addresses"
}

# prune_configs keeps the last five configs, to which one can go back. They are in
# $tmp/configs, the latest first; the one that was made just now is not.
prune_configs() {
	local id state n=1
	while IFS='	' read -r id state; do
		[ "$id" != "$1" ] || continue
		n=$((n + 1))
		[ $n -le 5 ] || change "removing old config $id ($state)" api-gateway api-configs delete "$id" --api=$api
	done <"$tmp/configs"
}

# make_key makes a key that is good for this API alone.
make_key() {
	begin "Key"
	local service id
	service=$(found apis $api 2)
	! $dry || service='MANAGED-SERVICE-OF-THE-API'
	has_word "$(cat "$tmp/enabled")" "$service" || change "enabling $service, so that keys are good for it" services enable "$service"
	id=$(key_id)
	if [ -z "$id" ]; then
		change "making key $key" services api-keys create --display-name=$key --api-target=service="$service"
		look keys
	elif [ "$(found keys "$id" 3)" != "$service" ]; then
		change "restricting key $key to $service" services api-keys update "$id" --api-target=service="$service"
	fi
}

# key_id finds our key: by its name, and as it is good for our API or for one before it.
key_id() { awk -F '\t' -v name=$key -v service="^$api-[a-z0-9]*\\.apigateway\\." '$2 == name && $3 ~ service { print $1; exit }' "$tmp/keys"; }
