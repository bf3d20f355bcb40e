# shellcheck shell=bash
# Asking gcloud, changing things with it, and what to say when it fails.

step='' # what is being done, for the message when it fails

begin() {
	step=$1
	say "== $1"
}

# scratch makes the files of its caller's answer and errors.
scratch() {
	answer=$(mktemp "$tmp/answer.XXXXXX")
	errors=$(mktemp "$tmp/errors.XXXXXX")
}

# ask runs a gcloud command that changes nothing. With -n there is nobody to ask, and
# nothing is known to be there.
ask() {
	! $dry || return 0
	local answer errors
	scratch
	until_ready "$answer" "$errors" "$@" || failed "$errors" "$@"
	cat "$answer"
}

# ask_for is ask for what may not be there: it prints nothing then.
ask_for() {
	! $dry || return 0
	local answer errors
	scratch
	if until_ready "$answer" "$errors" "$@"; then
		cat "$answer"
	elif ! grep -Eq 'NOT_FOUND|HTTPError 404|status=\[404\]' "$errors"; then
		failed "$errors" "$@"
	fi
}

# until_ready runs gcloud, and again while an API that was enabled in this run is not yet
# known everywhere.
until_ready() {
	local out=$1 errors=$2 tries=0
	shift 2
	until gcloud "$@" --project="$project" --quiet >"$out" 2>"$errors" </dev/null; do
		tries=$((tries + 1))
		[ -e "$tmp/enabled-now" ] && [ $tries -lt 20 ] && grep -Eq "$not_enabled" "$errors" || return 1
		sleep 10
	done
}

not_enabled='SERVICE_DISABLED|has not been used in project'

# change runs a gcloud command that changes something, or prints it with -n.
change() {
	local words=$1 answer errors
	shift
	if $dry; then
		quoted gcloud "$@" --project="$project" --quiet
		return
	fi
	say "   $words"
	scratch
	until_ready "$answer" "$errors" "$@" || failed "$errors" "$@"
}

# What passes by itself, within minutes: an account, or a permission of one, or a metric
# that was just made and is not known everywhere, and others who change the same.
passing='does not exist|serviceAccounts|service account|ABORTED|concurrent policy changes|Cannot find metric|underlying data changed|contention'

# A permission that the operator lacks does not pass. But Cloud Run says the same of an
# account that was just made, with "(or it may not exist)": that is tried for a minute.
denied="[Pp]ermission '[^']*' denied|[Mm]issing permission '"

# settle is change for what meets such things.
settle() {
	local words=$1 answer errors pause
	shift
	if $dry; then
		change "$words" "$@"
		return
	fi
	say "   $words"
	scratch
	for pause in 2 4 8 16 30 60 60 60 120 120 0; do
		! until_ready "$answer" "$errors" "$@" || return 0
		grep -Eq "$passing" "$errors" || break
		if grep -Eq "$denied" "$errors" && { [ $pause -ge 60 ] || ! grep -qF '(or it may not exist)' "$errors"; }; then
			break
		fi
		[ $pause = 0 ] || say "   $words: Google does not know something of it yet, trying again in $pause s"
		sleep $pause
	done
	failed "$errors" "$@"
}

# rendered is a file that this script makes of one of deploy's; with -n only its name.
rendered() { if $dry; then printf 'RENDERED/%s' "$1"; else printf '%s/%s' "$tmp" "$1"; fi; }

# quoted prints a command as a shell reads it.
quoted() {
	local word line=''
	for word; do
		case $word in
		'' | *[!A-Za-z0-9_./:=@,+-]*) word="'$(printf '%s' "$word" | sed "s/'/'\\\\''/g")'" ;;
		esac
		line="$line$word "
	done
	printf '%s\n' "${line% }"
}

# failed tells what Google answered to a gcloud command, what that means, and ends.
failed() {
	local errors=$1
	shift
	{
		printf '\ndeploy.sh: %s\n' "$(meaning "$errors")"
		sed 's/^/   | /' "$errors" | tail -n 20
		printf '   The command was: '
		masked gcloud "$@" --project="$project"
	} >&2
	exit 1
}

meaning() {
	if grep -Eq "$not_enabled" "$1"; then
		echo "An API was enabled a moment ago and is not ready everywhere. Wait a minute."
	elif grep -Eq 'PERMISSION_DENIED|HTTPError 403|status=\[403\]|does not have permission' "$1"; then
		echo "Your account may not do this. The project's owner can, or can give you the role that is named below."
	elif grep -Eq 'RESOURCE_EXHAUSTED|HTTPError 429|status=\[429\]|Quota exceeded' "$1"; then
		echo "Google takes no more of these just now (a quota, or too many requests). Wait a minute."
	elif grep -Eq 'UNAUTHENTICATED|HTTPError 401|status=\[401\]|auth login|Reauthentication' "$1"; then
		echo "You are not logged in, or not any more: gcloud auth login."
	elif grep -Eq 'INTERNAL|UNAVAILABLE|HTTPError 5|status=\[5' "$1"; then
		echo "Google had a fault of its own. Wait a minute."
	else
		echo "gcloud could not do this."
	fi
}

# in_parallel runs a function of this script for each name, all at once, and ends when
# one has failed, after the others are done.
in_parallel() {
	local run=$1 name pid pids='' bad=0
	shift
	for name; do
		if $dry; then
			"$run" "$name"
			continue
		fi
		"$run" "$name" &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid" || bad=1
	done
	[ $bad = 0 ] || exit 1
}

# finish says after a failure where it was and how to go on.
finish() {
	local status=$?
	trap - EXIT
	jobs -p | xargs kill 2>/dev/null || true
	if [ $status != 0 ] && [ -n "$step" ]; then
		say ""
		say "deploy.sh stopped at: $step. What was done stays, what is under way at Google goes on there, and nothing is done twice. Go on with:"
		say "  $again"
	fi
	rm -rf "$tmp"
	exit $status
}
