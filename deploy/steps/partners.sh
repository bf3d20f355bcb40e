# shellcheck shell=bash
# The partners' documents, as secrets.

# keep_partners puts each document of --partners into a secret of its own, whose label is
# the hash of the document; it is set last, so a secret with it is complete. The names of
# all partners are in $tmp/partners then.
keep_partners() {
	begin "Partners"
	if [ -n "$partners" ]; then
		local file name
		: >"$tmp/documents"
		for file in "$partners"/*.json; do
			[ -e "$file" ] || continue
			name=$(basename "$file" .json)
			matches "$name" '^[A-Za-z0-9_-]{1,200}$' || stop "$file: a partner's document needs a name of letters, digits, - and _ to be a secret."
			printf '%s\n' "$name" >>"$tmp/documents"
			keep_partner "$name" "$file"
		done
		forget_partners
		cp "$tmp/documents" "$tmp/partners"
	else
		sed -n 's/^tallystick-partner-\([^	]*\)	..*/\1/p' "$tmp/secrets" >"$tmp/partners"
	fi
}

keep_partner() {
	local id hash function
	id=$(secret "$1")
	hash=$(sha256 <"$2")
	! grep -q "^$id	$hash\$" "$tmp/secrets" || return 0
	grep -q "^$id	" "$tmp/secrets" || change "making secret $id" secrets create "$id" --replication-policy=automatic
	for function in $(with_partners); do
		settle "$function may read $id" secrets add-iam-policy-binding "$id" --member="serviceAccount:$(email "$(account "$function")")" --role=roles/secretmanager.secretAccessor
	done
	change "new version of $id" secrets versions add "$id" --data-file="$2"
	change "marking $id" secrets update "$id" --update-labels="tallystick-document=$hash"
}

# forget_partners lets go of those that are no longer in the folder. Their secrets stay.
forget_partners() {
	local id hash
	while IFS='	' read -r id hash; do
		[ -n "$hash" ] || continue
		grep -qx "${id#tallystick-partner-}" "$tmp/documents" ||
			change "${id#tallystick-partner-} is no partner any more; the secret $id stays" secrets update "$id" --remove-labels=tallystick-document
	done <"$tmp/secrets"
}
