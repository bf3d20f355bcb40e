# shellcheck shell=bash
# The functions' settings, which deploy/settings.tsv lists: a function that has one that
# cannot be refuses every call, so it is refused here, before anything is changed.

# check_settings looks at those of --set, and at the origins.
check_settings() {
	local setting
	while IFS= read -r setting; do
		[ -z "$setting" ] || check_setting --set "${setting%%=*}" "$setting"
	done <<<"$settings"
	[ -z "$origins" ] || check_setting --allowed-origins ALLOWED_ORIGINS "ALLOWED_ORIGINS=$origins"
}

# check_setting looks at NAME=VALUE of an option. NAME= takes a setting back.
check_setting() {
	local option=$1 name=$2 value=${3#*=} by='' pattern='' words=''
	matches "$3" '^[A-Z][A-Z0-9_]*=' || wrong "$option: \"${name%%:*}\" is not NAME=VALUE"
	IFS='	' read -r _ by pattern words <<<"$(table settings | grep "^$name	")"
	[ -n "$by" ] || wrong "$option: there is no setting $name, only $(table settings | awk -F '\t' '$2 == "--set" { printf "%s ", $1 }')"
	[ "$by" = "$option" ] || wrong "$option: give $by for $name instead"
	[ -n "$value" ] || return 0
	case $value in *'|'* | *"$newline"*) wrong "$option: $name has a | or a new line in it, which separate settings" ;; esac
	matches "$value" "$pattern" || wrong "$option: $name is to be $words$(unless_hidden "$name" ", and not \"$value\"")"
	[ "$name" != BASIC_AUTH ] || check_users "$value"
}

# check_users looks at what no expression can.
check_users() {
	printf '%s' "$1" | tr ', ' '\n\n' | awk -F : '
		NF && (seen[$1]++ || (cost && cost != substr($2, 5, 2))) { bad = 1 }
		NF { cost = substr($2, 5, 2) }
		END { exit bad }
	' || wrong "--set: BASIC_AUTH has a user twice, or hashes of different costs"
}

# hidden are the settings whose values are nobody's business.
hidden='BASIC_AUTH|OTEL_EXPORTER_OTLP_HEADERS'

unless_hidden() { matches "$1" "^($hidden)\$" || printf '%s' "$2"; }

# masked prints a command as quoted does, without what is hidden.
masked() {
	local word line=''
	for word; do
		line="$line$(quoted "$(printf '%s' "$word" | sed -E "s/($hidden)=[^|]*/\\1=…/g")") "
	done
	printf '%s\n' "${line% }"
}
