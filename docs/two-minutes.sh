#!/usr/bin/env bash
# From nothing to a number on a page, and how long each step takes: it clones Tallystick,
# starts it, pastes the line into a page, and opens that in a browser. What it makes is in
# a temporary folder, and is gone at the end.
#
#   docs/two-minutes.sh [REPOSITORY]
#
# ADDR is where Tallystick listens, as for serve.
set -euo pipefail

repository=${1:-https://github.com/tallystick/tallystick}
for program in git go chromium; do
    command -v "$program" >/dev/null || { echo "two-minutes.sh needs $program on the PATH" >&2; exit 1; }
done
folder=$(mktemp -d)
server=

end() {
    if [ -n "$server" ]; then
        # The whole group, go run and the program that it made, if they have not ended by themselves.
        kill -- "-$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap end EXIT

before=$SECONDS
took() {
    printf '%4d s  %s\n' "$((SECONDS - before))" "$1"
    before=$SECONDS
}

git clone --quiet --depth 1 "$repository" "$folder/tallystick"
took "git clone $repository"

cd "$folder/tallystick"
touch "$folder/said"
set -m # a process group of its own
go run ./cmd/tallystick serve >"$folder/said" &
server=$!
set +m
until grep -q '^listening on ' "$folder/said"; do
    kill -0 "$server" 2>/dev/null || exit 1 # it has said what is wrong
    sleep 0.1
done
took "go run ./cmd/tallystick serve"

line=$(sed -n 's/^paste this *//p' "$folder/said")
cat >"$folder/page.html" <<EOF
<!doctype html>
<title>My page</title>
$line
<p>You are visitor no. <visit-count>…</visit-count>.</p>
EOF
took "a page with the line pasted in"

# A browser without a window calls itself one, and would be a bot.
chromium --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
    --user-agent='Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36' \
    --virtual-time-budget=10000 --dump-dom "file://$folder/page.html" 2>/dev/null >"$folder/shown"
took "a browser shows it"

echo "$SECONDS seconds in all, and the page says:"
sed -n 's/.*<p>\(.*\)<\/p>.*/\1/p' "$folder/shown" | sed 's/<[^>]*>//g'
