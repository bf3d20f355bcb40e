# shellcheck shell=bash
# Removing what was made.

destroy_all() {
	ask services list --enabled --format='value(config.name)' >"$tmp/enabled"
	if ! $dry && ! grep -qx cloudfunctions.googleapis.com "$tmp/enabled"; then
		stop "Tallystick was never deployed to $project: Cloud Functions is not even enabled."
	fi
	local told=$database
	look_at_functions
	if $with_data && ! $dry && [ -z "$told" ] && ! grep -q ' STORE=' "$tmp/settings"; then
		stop "No function tells any more which database is Tallystick's. Give --database NAME, or --database='(default)'."
	fi
	if $dry; then all_functions; else awk '$4 != "-" { print $1 }' "$tmp/functions"; fi >"$tmp/ours"
	: >"$tmp/alerts"
	! grep -qx monitoring.googleapis.com "$tmp/enabled" || look alerts
	$dry || [ ! -s "$tmp/ours" ] || tell_again
	confirm
	survey
	look metrics
	destroy_gateway
	begin "Removing the functions"
	# shellcheck disable=SC2046
	in_parallel destroy_function $(cat "$tmp/ours")
	destroy_monitoring
	destroy_accounts
	! $with_data || destroy_data
	step=''
	! $dry || return 0
	say "Tallystick is removed from $project. The roles tallystick_* stay, and grant nothing: Google lets nobody make a role of the same name again for weeks."
	$with_data || say "Data and secrets stay; --destroy --with-data --database='$database' removes them too."
}

confirm() {
	! $dry || return 0
	local what="the gateway, the functions and their accounts" typed=''
	! $with_data || what="$what, THE DATABASE $database WITH ALL THAT IS IN IT, AND THE PARTNERS' SECRETS"
	say "This removes $what of $project."
	printf 'Type the name of the project to go on: ' >&2
	read -r typed || true
	[ "$typed" = "$project" ] || stop "Nothing was removed."
}

destroy_gateway() {
	begin "Removing the gateway"
	local id state
	id=$(key_id)
	[ -z "$id" ] || change "key $key" services api-keys delete "$id"
	if $dry || [ -n "$(found gateways $api 1)" ]; then
		change "gateway $api" api-gateway gateways delete $api --location="$region"
	fi
	while IFS='	' read -r id state; do
		change "config $id ($state)" api-gateway api-configs delete "$id" --api=$api
	done <"$tmp/configs"
	if $dry || [ -n "$(found apis $api 1)" ]; then
		change "API $api" api-gateway apis delete $api
	fi
}

destroy_function() { change "function $1" functions delete "$1" --gen2 --region="$region"; }

destroy_monitoring() {
	begin "Removing metrics and alerts"
	local id rest
	while IFS='	' read -r id rest; do
		change "alert ${id##*/}" alpha monitoring policies delete "$id"
	done <"$tmp/alerts"
	while IFS='	' read -r id rest; do
		change "metric $id" logging metrics delete "$id"
	done <"$tmp/metrics"
}

# destroy_accounts takes the roles away first: a policy would go on naming an account that
# is gone.
destroy_accounts() {
	begin "Removing the service accounts"
	local role member name
	! $dry || grants | awk -F '\t' -v project="$project" '{ print $2 "\tserviceAccount:" $1 "@" project ".iam.gserviceaccount.com" }' >"$tmp/policy"
	for name in $gateway_account $build_account $(all_functions | sed 's/^/tallystick-/'); do
		printf '%s\n' "$(email "$name")"
	done >"$tmp/our-accounts"
	while IFS='	' read -r role member; do
		grep -qxF -- "${member#serviceAccount:}" "$tmp/our-accounts" || continue
		change "${member#serviceAccount:} loses $role" projects remove-iam-policy-binding "$project" --member="$member" --role="$role" --condition=None
	done <"$tmp/policy"
	while IFS= read -r name; do
		{ ! $dry && ! grep -qxF "$name" "$tmp/accounts"; } || change "account ${name%%@*}" iam service-accounts delete "$name"
	done <"$tmp/our-accounts"
}

destroy_data() {
	begin "Removing data and secrets"
	local id hash there
	while IFS='	' read -r id hash; do
		change "secret $id" secrets delete "$id"
	done <"$tmp/secrets"
	there=$(ask_for firestore databases describe --database="$database" --format='value(deleteProtectionState)')
	case $there in
	*ENABLED) ;;
	'') $dry || return 0 ;;
	*)
		say "   The database $database was not made by this script, which protects its own against deletion. It stays."
		return
		;;
	esac
	change "database $database may be removed" firestore databases update --database="$database" --no-delete-protection
	change "removing database $database" firestore databases delete --database="$database"
}
