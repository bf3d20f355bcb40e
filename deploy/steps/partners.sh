# shellcheck shell=bash
# The partners' documents, as secrets.

# keep_partners puts each document of --partners into a secret of its own, whose label is
# the hash of the document; it is set last, so a secret with it is complete. The names of
# all partners are in $tmp/partners then.
keep_partners() {
	begin "Partners"
	if [ -n "$partners" ]; then
		keep_documents
		forget_partners
		cp "$tmp/documents" "$tmp/partners"
	else
		sed -n 's/^tallystick-partner-\([^	]*\)	..*/\1/p' "$tmp/secrets" | LC_ALL=C sort >"$tmp/partners"
	fi
	# shellcheck disable=SC2046
	[ -z "$(with_partners)" ] || in_parallel let_read $(cat "$tmp/partners")
}

# has_documents says whether the folder of --partners has any. One that has none is a
# slip, for it would end all partners: to do so one says none.
has_documents() {
	local file
	for file in "$partners"/*.json; do
		[ ! -e "$file" ] || return 0
	done
	return 1
}

# keep_documents keeps those of the folder.
keep_documents() {
	local file name
	: >"$tmp/documents"
	[ "$partners" != none ] || return 0
	for file in "$partners"/*.json; do
		name=$(basename "$file" .json)
		matches "$name" '^[A-Za-z0-9_-]{1,200}$' || stop "$file: a partner's document needs a name of letters, digits, - and _ to be a secret."
		grep -Eq "\"id\"[[:space:]]*:[[:space:]]*\"$name\"" "$file" || stop "$file is no document of a partner $name; tallystick partner add makes one."
		printf '%s\n' "$name" >>"$tmp/documents"
	done
	LC_ALL=C sort -o "$tmp/documents" "$tmp/documents"
	while IFS= read -r name; do
		keep_partner "$name" "$partners/$name.json"
	done <"$tmp/documents"
}

keep_partner() {
	local id hash
	id=$(secret "$1")
	hash=$(sha256 <"$2")
	! grep -q "^$id	$hash\$" "$tmp/secrets" || return 0
	grep -q "^$id	" "$tmp/secrets" || change "making secret $id" secrets create "$id" --replication-policy=automatic
	change "new version of $id" secrets versions add "$id" --data-file="$2"
	change "marking $id" secrets update "$id" --update-labels="tallystick-document=$hash"
}

# let_read lets the function that takes updates read a partner's secret: also one that is
# older than the function's account.
let_read() {
	local id member
	id=$(secret "$1")
	member="serviceAccount:$(email "$(account "$(with_partners)")")"
	look "readers-$id"
	grep -qxF "$member" "$tmp/readers-$id" ||
		settle "$(with_partners) may read $id" secrets add-iam-policy-binding "$id" --member="$member" --role=roles/secretmanager.secretAccessor
}

# forget_partners lets go of those that have no document any more. Their secrets stay.
forget_partners() {
	local id hash
	while IFS='	' read -r id hash; do
		[ -n "$hash" ] || continue
		grep -qx "${id#tallystick-partner-}" "$tmp/documents" ||
			change "${id#tallystick-partner-} is no partner any more; the secret $id stays" secrets update "$id" --remove-labels=tallystick-document
	done <"$tmp/secrets"
}
