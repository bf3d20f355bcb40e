# shellcheck shell=bash
# The project: that it can be used, its APIs, and what runs in it already.

preflight() {
	begin "Looking at the project"
	! $dry || return 0
	command -v gcloud >/dev/null || stop "gcloud is missing: https://cloud.google.com/sdk/docs/install"
	! $smoke || command -v curl >/dev/null || stop "curl is missing, which --smoke needs."
	local number billing
	number=$(ask projects describe "$project" --format='value(projectNumber)')
	[ -n "$number" ] || stop "There is no project $project that you can see."
	billing=$(ask billing projects describe "$project" --format='value(billingEnabled)')
	[ "$billing" = True ] || stop "Billing is off for $project, and functions need it: https://console.cloud.google.com/billing/linkedaccount?project=$project"
}

# stop ends for what the operator has to mend.
stop() {
	say "deploy.sh: $*"
	exit 1
}

# services lists the APIs that are needed.
services() {
	printf '%s\n' apigateway apikeys artifactregistry cloudbilling cloudbuild cloudfunctions cloudresourcemanager datastore firestore iam logging run secretmanager servicecontrol servicemanagement
	! $monitoring || echo monitoring
	! $traces || echo telemetry
}

enable_services() {
	begin "APIs"
	local missing='' service
	ask services list --enabled --format='value(config.name)' >"$tmp/enabled"
	for service in $(services); do
		grep -qx "$service.googleapis.com" "$tmp/enabled" || missing="$missing $service.googleapis.com"
	done
	[ -n "$missing" ] || return 0
	# shellcheck disable=SC2086
	change "enabling$missing" services enable $missing
	: >"$tmp/enabled-now"
}

# look_at_functions finds which functions there are: a line NAME REGION STATE HASH
# INSTANCES in $tmp/functions, with - for the hash of one that is not ours, and NAME
# SETTING=VALUE of ours in $tmp/settings. It settles what was not given.
look_at_functions() {
	begin "Functions that there are"
	ask functions list --v2 --format='flattened[no-pad](name,state,labels.tallystick-source:label=source,serviceConfig.maxInstanceCount:label=instances,serviceConfig.environmentVariables)' >"$tmp/flat"
	awk '
		function value() { return substr($0, index($0, ": ") + 2) }
		function row(  i) {
			if (name == "") return
			print name, region, state, hash, instances > functions
			for (i = 1; i <= n && hash != "-"; i++) print name, setting[i] > settings
		}
		/^---/ { row(); name = state = ""; hash = "-"; instances = 0; n = 0 }
		/^name: / { split(value(), part, "/"); region = part[4]; name = part[6] }
		/^state: / { state = value() }
		/^source: / { hash = value() }
		/^instances: / { instances = value() }
		/^serviceConfig.environmentVariables\./ {
			setting[++n] = substr($0, length("serviceConfig.environmentVariables.") + 1)
			sub(/: /, "=", setting[n])
		}
		END { row() }
	' functions="$tmp/functions" settings="$tmp/settings" "$tmp/flat"
	: >>"$tmp/functions"
	: >>"$tmp/settings"
	settle_region
	settle_store
	refuse_strangers
}

# refuse_strangers stops where a function of somebody else has a name of ours.
refuse_strangers() {
	local name
	for name in $(functions); do
		! grep -q "^$name $region [A-Z_]* - " "$tmp/functions" ||
			stop "There is a function $name in $project that this script did not make. Remove it, or use another project."
	done
}

settle_region() {
	local there
	there=$(awk '$4 != "-" { print $2; exit }' "$tmp/functions")
	if [ -n "$there" ] && [ -n "$region" ] && [ "$region" != "$there" ]; then
		stop "Tallystick runs in $there already. To move it: --destroy --region $there (data stays), then deploy anew."
	fi
	[ -n "$region" ] || region=${there:-us-central1}
	[ -n "$location" ] || location=$region
}

# settle_store keeps the store that there is: with another one all would seem lost.
settle_store() {
	local there kind rest
	there=$(sed -n 's/^[^ ]* STORE=//p' "$tmp/settings" | head -n 1)
	if [ -n "$there" ]; then
		kind=${there%%:*}
		rest=${there#*:}
		case $rest in */*) rest=${rest#*/} ;; *) rest='(default)' ;; esac
		[ -z "$store" ] || [ "$store" = "$kind" ] || stop "The functions have their data in $there; --store $store would not find it. See docs/backup.md for moving."
		[ -z "$database" ] || [ "$database" = "$rest" ] || stop "The functions have their data in $there; --database $database would not find it. See docs/backup.md for moving."
		store=$kind database=$rest
	fi
	[ -n "$store" ] || store=datastore
	[ -n "$database" ] || database='(default)'
}

# store_url is the functions' setting STORE.
store_url() {
	case $database in
	'(default)') printf '%s:%s' "$store" "$project" ;;
	*) printf '%s:%s/%s' "$store" "$project" "$database" ;;
	esac
}
