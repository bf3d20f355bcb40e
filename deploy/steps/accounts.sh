# shellcheck shell=bash
# An account for each function, with the least that it needs.

make_accounts() {
	begin "Service accounts"
	# shellcheck disable=SC2046
	in_parallel make_account $gateway_account $build_account $(functions | sed 's/^/tallystick-/')
}

make_account() {
	grep -qx "$(email "$1")" "$tmp/accounts" ||
		change "making $1" iam service-accounts create "$1" --display-name="Tallystick: ${1#tallystick-}"
}

# grants lists which account has which role in the project. That of the gateway and those
# of functions without a store have none.
grants() {
	local name
	for name in $(with_store); do
		printf '%s\tprojects/%s/roles/%s\n' "$(account "$name")" "$project" "$(role "$name")"
	done
	! $traces || for name in $(functions); do
		printf '%s\troles/telemetry.tracesWriter\n' "$(account "$name")"
	done
	printf '%s\troles/cloudbuild.builds.builder\n' $build_account
}

make_roles() {
	begin "Roles"
	# shellcheck disable=SC2046
	in_parallel make_role $(with_store)
}

# grant_roles gives them one after the other, for each changes the one policy.
grant_roles() {
	local who what member
	grants >"$tmp/grants"
	while IFS='	' read -r who what; do
		member=serviceAccount:$(email "$who")
		grep -qxF "$what	$member" "$tmp/policy" ||
			settle "$who gets $what" projects add-iam-policy-binding "$project" --member="$member" --role="$what" --condition=None
	done <"$tmp/grants"
}

# make_role gives a function's role the permissions that the function needs.
make_role() {
	local name=$1 id wanted there
	id=$(role "$name")
	wanted=$(column "$name" 3)
	there=$(cat "$tmp/role-$name")
	case $there in
	'')
		change "making role $id" iam roles create "$id" --title="Tallystick: $name" --permissions="$wanted" --stage=GA
		return
		;;
	True,*) change "bringing back role $id" iam roles undelete "$id" ;;
	esac
	[ "$(sorted "${there#*,}")" = "$(sorted "$wanted")" ] || change "changing role $id" iam roles update "$id" --permissions="$wanted"
}

# sorted puts a list, of words with commas or semicolons between, into one order.
sorted() { printf '%s' "$1" | tr -d '"' | tr ';' ',' | tr ',' '\n' | sort | tr '\n' ' '; }
