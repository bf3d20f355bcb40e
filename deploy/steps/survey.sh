# shellcheck shell=bash
# What there is of everything, each in a file below $tmp: asked all at once, for each
# question takes gcloud a second or two.

# Filters are ours, in awk: what Google's own mean differs from API to API.

survey() {
	begin "Looking at what there is"
	# shellcheck disable=SC2046
	in_parallel look accounts policy secrets ttl apis configs gateways keys $(with_store | sed 's/^/role-/')
}

look() {
	case $1 in
	accounts) ask iam service-accounts list --format='value(email)' ;;
	policy) ask projects get-iam-policy "$project" --flatten='bindings[].members' --format='value(bindings.role,bindings.members)' ;;
	secrets) ask secrets list --format='value(name.basename(),labels.tallystick-document)' | awk '/^tallystick-partner-/' ;;
	readers-*) ask secrets get-iam-policy "${1#readers-}" --flatten='bindings[].members' --filter='bindings.role=roles/secretmanager.secretAccessor' --format='value(bindings.members)' ;;
	ttl) ask_for firestore fields ttls list --database="$database" --format='value(name)' ;;
	exemptions) ask firestore indexes fields list --database="$database" --format='value(name)' ;;
	apis) ask api-gateway apis list --format='value(name.basename(),managedService,state)' ;;
	configs) ask_for api-gateway api-configs list --api=$api --sort-by=~createTime --format='value(name.basename(),state)' ;;
	gateways) ask api-gateway gateways list --location="$region" --format='value(name.basename(),apiConfig.basename(),defaultHostname,state)' ;;
	keys) ask services api-keys list --format='value(name.basename(),displayName,restrictions.apiTargets[].service)' ;;
	metrics) ask logging metrics list --format='value(name,description)' | awk '/^tallystick-/' ;;
	alerts) ask alpha monitoring policies list --format='value(name,user_labels.tallystick,notificationChannels)' | awk -F '\t' '$2 != ""' ;;
	invokers-*) ask run services get-iam-policy "${1#invokers-}" --region="$region" --flatten='bindings[].members' --filter='bindings.role=roles/run.invoker' --format='value(bindings.members)' ;;
	role-*) ask_for iam roles describe "$(role "${1#role-}")" --format='csv[no-heading](deleted,includedPermissions.list())' ;;
	esac >"$tmp/$1"
}

# found prints a column of the row of $tmp/FILE that begins with a name.
found() { awk -F '\t' -v name="$2" -v n="$3" '$1 == name { print $n; exit }' "$tmp/$1"; }
