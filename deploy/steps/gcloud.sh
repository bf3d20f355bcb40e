# shellcheck shell=bash
# Asking gcloud, changing things with it, and what to say when it fails.

step='' # what is being done, for the message when it fails

begin() {
	step=$1
	say "== $1"
}

# ask runs a gcloud command that changes nothing. With -n there is nobody to ask, and
# nothing is known to be there.
ask() {
	! $dry || return 0
	local errors
	errors=$(mktemp "$tmp/ask.XXXXXX")
	gcloud "$@" --project="$project" --quiet 2>"$errors" && return 0
	failed "$errors" gcloud "$@" --project="$project"
}

# ask_for is ask for what may not be there: it prints nothing then.
ask_for() {
	! $dry || return 0
	local errors
	errors=$(mktemp "$tmp/ask.XXXXXX")
	gcloud "$@" --project="$project" --quiet 2>"$errors" && return 0
	! grep -Eqi 'NOT_FOUND|not found|does not exist' "$errors" || return 0
	failed "$errors" gcloud "$@" --project="$project"
}

# change runs a gcloud command that changes something, or prints it with -n.
change() {
	local words=$1 output
	shift
	if $dry; then
		quoted gcloud "$@" --project="$project" --quiet
		return
	fi
	say "   $words"
	output=$(mktemp "$tmp/change.XXXXXX")
	gcloud "$@" --project="$project" --quiet >"$output" 2>&1 </dev/null || failed "$output" gcloud "$@" --project="$project"
}

# settle is change for policies: they name accounts that were just made, which Google does
# not know everywhere at once, and others may change them at the same moment.
settle() {
	local words=$1 output pause
	shift
	if $dry; then
		change "$words" "$@"
		return
	fi
	output=$(mktemp "$tmp/settle.XXXXXX")
	say "   $words"
	for pause in 2 4 8 16 0; do
		gcloud "$@" --project="$project" --quiet >"$output" 2>&1 </dev/null && return 0
		grep -Eq 'does not exist|ABORTED|concurrent policy changes' "$output" || break
		sleep "$pause"
	done
	failed "$output" gcloud "$@" --project="$project"
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

# failed tells what Google answered, what that means, and what was asked, and ends.
failed() {
	local output=$1
	shift
	{
		printf '\ndeploy.sh: %s\n' "$(meaning "$output")"
		sed 's/^/   | /' "$output" | tail -n 20
		printf '   The command was: '
		quoted "$@"
	} >&2
	exit 1
}

meaning() {
	if grep -Eqi 'SERVICE_DISABLED|has not been used in project|is disabled' "$1"; then
		echo "An API was enabled a moment ago and is not ready everywhere. Wait a minute."
	elif grep -Eqi 'PERMISSION_DENIED|403|does not have permission' "$1"; then
		echo "Your account may not do this. The project's owner can, or can give you the role that is named below."
	elif grep -Eqi 'RESOURCE_EXHAUSTED|429|quota|rate limit' "$1"; then
		echo "Google takes no more of these just now (a quota, or too many requests). Wait a minute."
	elif grep -Eqi 'UNAUTHENTICATED|401|reauthentication|gcloud auth login' "$1"; then
		echo "You are not logged in any more: gcloud auth login."
	elif grep -Eqi 'INTERNAL|UNAVAILABLE|HttpError accessing|HTTPError 5|50[0-9]' "$1"; then
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
		say "deploy.sh stopped at: $step. What was done stays, and is not done twice. Go on with:"
		say "  $again"
	fi
	rm -rf "$tmp"
	exit $status
}
