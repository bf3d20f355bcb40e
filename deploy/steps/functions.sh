# shellcheck shell=bash
# The functions, each deployed when what it is made of has changed.

deploy_functions() {
	begin "Functions"
	hash_sources
	# shellcheck disable=SC2046
	in_parallel deploy_function $(functions)
}

# hash_sources writes the hash of every file that is uploaded into $tmp/sources.
hash_sources() {
	local file
	: >"$tmp/sources"
	! $dry || return 0
	ask meta list-files-for-upload . >"$tmp/files"
	while IFS= read -r file; do
		printf '%s\t%s\n' "$file" "$(sha256 <"$file")"
	done <"$tmp/files" | LC_ALL=C sort >"$tmp/sources"
	[ -s "$tmp/sources" ] || stop "gcloud names no files to upload from $PWD."
}

# flags of a function's deployment. Instances are few and each takes many requests at
# once, for an instance merges what it has at once.
flags() {
	printf '%s\n' --gen2 --runtime=go126 --trigger-http --no-allow-unauthenticated --ingress-settings=all --serve-all-traffic-latest-revision \
		--entry-point="$(column "$1" 2)" --concurrency=500 --cpu=1 --memory=256Mi --timeout=60s --max-instances="$(instances "$1")" \
		--service-account="$(email "$(account "$1")")" --build-service-account="projects/$project/serviceAccounts/$(email "$build_account")" \
		"$(secrets_flag "$1")"
}

# there prints a column of what look_at_functions found of a function of ours.
there() { awk -v name="$1" -v region="$region" -v n="$2" '$1 == name && $2 == region { print $n }' "$tmp/functions"; }

# instances is how many a function may have: as is said, as it has, or five.
instances() {
	local now
	now=$(there "$1" 5)
	if [ -n "$max_instances" ]; then printf '%s' "$max_instances"; elif [ "${now:-0}" != 0 ]; then printf '%s' "$now"; else printf 5; fi
}

# secrets_flag mounts the partners' documents, each in a folder of its own, as secrets
# have to be.
secrets_flag() {
	local name list=''
	if [ -n "$(column "$1" 4)" ]; then
		while IFS= read -r name; do
			list="$list,/partners/$name/$name.json=$(secret "$name"):latest"
		done <"$tmp/partners"
	fi
	if [ -n "$list" ]; then printf '%s' "--set-secrets=${list#,}"; else printf '%s' --clear-secrets; fi
}

# wanted_settings prints the settings that a function is to have, of those that are given.
# One that is new begins with those that all others have.
wanted_settings() {
	[ -n "$(there "$1" 4)" ] || common_settings
	printf 'GOOGLE_CLOUD_PROJECT=%s\n' "$project"
	[ -z "$(column "$1" 3)" ] || printf 'STORE=%s\n' "$(store_url)"
	[ -z "$(column "$1" 4)" ] || if [ -s "$tmp/partners" ]; then printf 'PARTNERS=/partners\n'; else printf 'PARTNERS=\n'; fi
	printf '%s' "$settings"
}

common_settings() {
	awk '
		!($1 in seen) { seen[$1]; n++ }
		{ sub(/^[^ ]* /, ""); has[$0]++ }
		END { for (s in has) if (has[s] == n && s !~ /^(STORE|PARTNERS|GOOGLE_CLOUD_PROJECT)=/) print s }
	' "$tmp/settings"
}

# deploy_function deploys a function unless it is there as it is to be.
deploy_function() {
	local name=$1 hash same=true how=change changed='' removed='' setting flag
	hash=$(source_hash "$name")
	[ "$(there "$name" 4)" = "$hash" ] && [ "$(there "$name" 3)" = ACTIVE ] || same=false
	[ -n "$(there "$name" 4)" ] || how=settle # its accounts may be new, too
	while IFS= read -r setting; do
		if [ -z "${setting#*=}" ]; then
			! grep -q "^$name ${setting%%=*}=" "$tmp/settings" || same=false removed="$removed,${setting%%=*}"
			continue
		fi
		grep -qxF -- "$name $setting" "$tmp/settings" || same=false
		changed="$changed|$setting"
	done <<<"$(wanted_settings "$name")"
	if $same; then
		say "   $name is as it should be"
		return
	fi
	set --
	while IFS= read -r flag; do
		set -- "$@" "$flag"
	done <<<"$(flags "$name")"
	[ -z "$removed" ] || set -- "$@" --remove-env-vars="${removed#,}"
	$how "deploying $name" functions deploy "$name" --region="$region" --source=. "$@" \
		--update-env-vars="^|^${changed#|}" --update-labels="tallystick-source=$hash"
	$dry || say "   $name is deployed"
}

# source_hash is the hash of the files that a function is made of, and of its flags.
source_hash() {
	local folder
	{
		flags "$1"
		for folder in $(column "$1" 5); do
			case $folder in
			*/) grep "^$folder" "$tmp/sources" || true ;;
			*) grep "^$folder	" "$tmp/sources" || true ;;
			esac
		done
	} | sha256
}

# allow_gateway lets the gateway call the functions, and says who else may.
allow_gateway() {
	begin "Who may call the functions"
	# shellcheck disable=SC2046
	in_parallel allow_gateway_to $(functions)
}

allow_gateway_to() {
	local there member
	member="serviceAccount:$(email $gateway_account)"
	look "invokers-$1"
	there=$(cat "$tmp/invokers-$1")
	has_word "$there" "$member" ||
		settle "the gateway may call $1" run services add-iam-policy-binding "$1" --region="$region" --member="$member" --role=roles/run.invoker
	there=$(printf '%s\n' "$there" | grep -vxF "$member" | tr '\n' ' ' || true)
	[ -z "${there// /}" ] || say "   Beware: $1 may also be called by $there"
}
