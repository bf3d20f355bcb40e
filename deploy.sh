#!/usr/bin/env bash
# Deploys Tallystick into a Google Cloud project: the database, the functions with an
# account each, the gateway and a key. It may be run again at any time: it looks at what
# there is, does what is missing, and goes on where it was interrupted. With -n it prints
# its commands instead. ./deploy.sh --help tells the options.
#
# Options come first here, then main, which names the steps in their order; each is in a
# file of deploy/steps. Which functions there are, and what each may do, is in
# deploy/*.tsv, which is generated from the code. It runs in bash 3.2 and later.
set -euo pipefail

usage() {
	cat <<'END'
Usage: ./deploy.sh --project PROJECT [option …]

  --project P            the Google Cloud project; its billing must be on
  --region R             where functions and gateway run (default: where they run
                         already, else us-central1)
  --allowed-origins O    sites whose pages may call, comma-separated (default: any)
  --store S              datastore (default) or firestore, for a new deployment
  --database D           the database's name (default: (default))
  --location L           where a new database is (default: the region)
  --partners FOLDER      put the partners' documents of this folder into Secret
                         Manager; a partner who is no longer in it is one no more.
                         The word none instead of a folder: there is no partner
  --collections A,B      collections of records, so that what expires in them is removed
  --functions A,B        deploy only these, and leave the others as they are
  --set NAME=VALUE       a setting of the functions (docs/settings.md); may be
                         repeated. What is not given stays as it was set before
  --max-instances N      instances of each function at most (default: as before, else 5)
  --monitoring           metrics, and alerts in Cloud Monitoring
  --notify CHANNEL       the notification channel that alerts go to
  --traces               traces in Cloud Trace
  --smoke                call every function through the gateway when all is done
  --destroy              remove what this script made; data and secrets stay
  --with-data            with --destroy: the data and the secrets too
  -n, --dry-run          print the commands for an empty project; needs no login
  -h, --help             this
END
}

# --- Options

from=$PWD # where --partners is looked for
cd "$(dirname "$0")"
again='' # this command, for after a failure
project='' region='' origins='' store='' database='' location='' partners='' collections=''
only='' settings='' max_instances='' notify=''
monitoring=false traces=false smoke=false destroy=false with_data=false dry=false

# API Gateway is not everywhere: https://cloud.google.com/api-gateway/docs/deployment-model
regions='asia-northeast1 australia-southeast1 europe-west1 europe-west2 us-central1 us-east1 us-east4 us-west2 us-west3 us-west4'

say() { printf '%s\n' "$*" >&2; }

# wrong ends for an option that cannot be.
wrong() {
	say "deploy.sh: $*"
	say "Try: ./deploy.sh --help"
	exit 2
}

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--project | --region | --allowed-origins | --store | --database | --location | --partners | --collections | --functions | --set | --max-instances | --notify)
			[ $# -gt 1 ] || wrong "$1 needs a value"
			case $1 in
			--project) project=$2 ;;
			--region) region=$2 ;;
			--allowed-origins) origins=$2 ;;
			--store) store=$2 ;;
			--database) database=$2 ;;
			--location) location=$2 ;;
			--partners) case $2 in /* | none) partners=$2 ;; *) partners=$from/$2 ;; esac ;;
			--collections) collections=$(words "$2") ;;
			--functions) only=$(words "$2" | sort -u) ;;
			--set) settings=$settings$(printf '%s' "$2" | tr '\n' ' ')$newline ;;
			--max-instances) max_instances=$2 ;;
			--notify) notify=$2 ;;
			esac
			shift
			;;
		--*=*)
			local name=${1%%=*} value=${1#*=}
			shift
			set -- "$name" "$value" "$@"
			continue
			;;
		--monitoring) monitoring=true ;;
		--traces) traces=true ;;
		--smoke) smoke=true ;;
		--destroy) destroy=true ;;
		--with-data) with_data=true ;;
		-n | --dry-run) dry=true ;;
		-h | --help)
			usage
			exit 0
			;;
		*) wrong "there is no option $1" ;;
		esac
		shift
	done
}

newline='
'

# words makes lines of a list with commas.
words() { printf '%s' "$1" | tr ',' '\n'; }

check_options() {
	[ -n "$project" ] || wrong "--project is missing"
	matches "$project" '^[a-z][a-z0-9-]{4,28}[a-z0-9]$' || wrong "--project: \"$project\" is no project's id"
	[ -z "$region" ] || has_word "$regions" "$region" || wrong "--region: API Gateway is not in \"$region\", only in $regions"
	case $store in '' | datastore | firestore) ;; *) wrong "--store: \"$store\" is neither datastore nor firestore" ;; esac
	[ -z "$max_instances" ] || matches "$max_instances" '^[1-9][0-9]{0,3}$' || wrong "--max-instances: \"$max_instances\" is not a number from 1"
	case $partners in
	'' | none) ;;
	*)
		[ -d "$partners" ] || wrong "--partners: there is no folder $partners"
		has_documents || wrong "--partners: there is no partner's document in $partners. If nobody is to be a partner any more, give --partners none"
		;;
	esac
	$destroy || ! $with_data || wrong "--with-data goes with --destroy"
	$monitoring || [ -z "$notify" ] || wrong "--notify goes with --monitoring"
	[ -z "$notify" ] || matches "$notify" '^projects/[^/ ]+/notificationChannels/[0-9]+$' || wrong "--notify: \"$notify\" is not projects/PROJECT/notificationChannels/NUMBER"
	[ -z "$partners" ] || [ -n "$(with_partners)" ] || wrong "--partners goes with the function update"
	local name
	for name in $only; do
		has_word "$(all_functions)" "$name" || wrong "--functions: there is no function $name, only $(all_functions | tr '\n' ' ')"
	done
	for name in $collections; do
		matches "$name" '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$' || wrong "--collections: \"$name\" is no collection's name"
	done
	check_settings
	[ -z "$origins" ] || settings=${settings}ALLOWED_ORIGINS=$origins$newline
	! $traces || settings=${settings}OTEL_EXPORTER_OTLP_ENDPOINT=https://telemetry.googleapis.com$newline
}

matches() { printf '%s' "$1" | LC_ALL=C grep -Eq -- "$2"; }

# has_word says whether a list, of words or lines, has a word.
has_word() { case " $(printf '%s' "$1" | tr '\n' ' ') " in *" $2 "*) return 0 ;; esac; return 1; }

. deploy/steps/names.sh
. deploy/steps/settings.sh
. deploy/steps/gcloud.sh
. deploy/steps/project.sh
. deploy/steps/survey.sh
. deploy/steps/database.sh
. deploy/steps/accounts.sh
. deploy/steps/partners.sh
. deploy/steps/functions.sh
. deploy/steps/gateway.sh
. deploy/steps/monitoring.sh
. deploy/steps/smoke.sh
. deploy/steps/again.sh
. deploy/steps/destroy.sh

summary() {
	local host
	! $dry || return 0
	host=$(found gateways $api 3)
	cat <<END

Tallystick is at       https://$host
Its description        https://$host/docs
Its key is named       $key. To see it:
                       gcloud services api-keys get-key-string $(key_id) --project=$project --format='value(keyString)'
For every page:        <script src="https://$host/visits/count.js" defer></script>
END
	$smoke || printf 'Try every function:    %s --smoke\n' "$again"
	step=''
}

# --- Main

main() {
	again=$(masked "$0" "$@")
	parse "$@"
	check_options
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/tallystick-deploy.XXXXXX")
	trap finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	preflight
	if $destroy; then
		destroy_all
		return
	fi
	enable_services
	look_at_functions
	make_database
	survey
	prepare_database
	make_accounts
	make_roles
	grant_roles
	keep_partners
	deploy_functions
	allow_gateway
	make_gateway
	make_key
	make_alerts
	summary
	smoke_test
}

main "$@"
