# shellcheck shell=bash
# How to deploy again what is about to be removed: afterwards nobody knows its settings.

tell_again() {
	local names name setting
	list_options >"$tmp/options"
	say "To deploy it again as it is now, keep this:"
	for names in all $(awk '$1 != "all" { print $1 }' "$tmp/options" | sort -u); do
		tell_command "$names"
	done
	! grep -q ' SHARDS=' "$tmp/settings" || say "SHARDS in particular: with fewer than now, counts look smaller than they are."
	{ grep -oE "^[^ ]* ($hidden)=" "$tmp/settings" || true; } | tr -d = | sort -u -k 2 >"$tmp/hidden"
	while read -r name setting; do
		say "$setting is not shown here. To see it:"
		say "  $(quoted gcloud functions describe "$name" --gen2 --region="$region" --project="$project" --format="value(serviceConfig.environmentVariables.$setting)")"
	done <"$tmp/hidden"
}

# tell_command prints the command that deploys all, or those with what they have besides.
tell_command() {
	local names=$1 option
	set -- "$0" "--project=$project"
	[ "$names" = all ] || set -- "$@" "--functions=$names"
	while read -r option; do
		set -- "$@" "$option"
	done <<<"$(sed -n "s/^$names //p" "$tmp/options")"
	say "  $(masked "$@")"
}

# list_options prints lines of functions, and an option: that all were deployed with, or
# those that are named and no other.
list_options() {
	local channel
	printf 'all --%s\n' "region=$region" "store=$store" "database=$database"
	[ "$(sort "$tmp/ours")" = "$(all_functions | sort)" ] || printf 'all --functions=%s\n' "$(tr '\n' ',' <"$tmp/ours" | sed 's/,$//')"
	! $with_data || printf 'all --location=%s\n' "$(ask_for firestore databases describe --database="$database" --format='value(locationId)')"
	[ ! -s "$tmp/alerts" ] || printf 'all --monitoring\n'
	channel=$(cut -f 3 "$tmp/alerts" | tr ';' '\n' | awk 'NF { print; exit }')
	[ -z "$channel" ] || printf 'all --notify=%s\n' "$channel"
	options_of_functions | awk -v n="$(grep -c . "$tmp/ours")" '
		{ name[NR] = $1; sub(/^[^ ]* /, ""); option[NR] = $0; has[$0]++ }
		END {
			for (i = 1; i <= NR; i++)
				if (has[option[i]] < n) own[name[i]] = own[name[i]] "\n" option[i]
				else if (!told[option[i]]++) print "all", option[i]
			for (i = 1; i <= NR; i++) if (name[i] in own) {
				alike[own[name[i]]] = alike[own[name[i]]] "," name[i]
				delete own[name[i]]
			}
			for (options in alike) {
				count = split(options, line, "\n")
				for (i = 2; i <= count; i++) print substr(alike[options], 2), line[i]
			}
		}'
}

# options_of_functions prints lines of a function and an option that it was deployed with.
options_of_functions() {
	awk '$4 != "-" && $5 > 0 { print $1, "--max-instances=" $5 }' "$tmp/functions"
	awk -F '\t' '
		FILENAME == table { option[$1] = $2; next }
		{
			name = setting = $0
			sub(/ .*/, "", name); sub(/^[^ ]* /, "", setting)
			variable = value = setting
			sub(/=.*/, "", variable); sub(/^[^=]*=/, "", value)
			if (setting == "OTEL_EXPORTER_OTLP_ENDPOINT=https://telemetry.googleapis.com") print name, "--traces"
			else if (option[variable] == "--set") print name, "--set=" setting
			else if (option[variable] == "--allowed-origins") print name, "--allowed-origins=" value
		}
	' table=deploy/settings.tsv deploy/settings.tsv "$tmp/settings"
}
