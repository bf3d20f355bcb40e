# shellcheck shell=bash
# The database, its indexes, and what removes the expired.

make_database() {
	begin "Database"
	local type there
	case $store in datastore) type=datastore-mode ;; *) type=firestore-native ;; esac
	there=$(ask_for firestore databases describe --database="$database" --format='value(type)')
	case $there in
	'') change "making database $database in $location" firestore databases create --database="$database" --location="$location" --type="$type" --delete-protection ;;
	"$(printf '%s' "$type" | tr 'a-z-' 'A-Z_')") ;;
	*) stop "The database $database is of type $there. Give --database NAME for another one, or --store for this one." ;;
	esac
}

# prepare_database makes indexes, and TTL policies, without which what expires stays.
prepare_database() {
	begin "Indexes and expiry"
	local kind expires
	[ "$store" != datastore ] || make_indexes
	while IFS='	' read -r kind expires; do
		[ "$expires" = expires ] || continue
		grep -qF "/collectionGroups/$kind/fields/_expire" "$tmp/ttl" ||
			change "what expires of $kind is removed" firestore fields ttls update _expire --collection-group="$kind" --enable-ttl --async --database="$database"
	done <<<"$(kinds)"
	[ "$store" = datastore ] || exempt_from_indexes
}

# make_indexes leaves those alone that there are already: gcloud does so by itself, and is
# not asked where each kind has its index.
make_indexes() {
	local kind
	for kind in $(sed -n 's/^- kind: //p' deploy/index.yaml); do
		grep -qF "/collectionGroups/$kind/" "$tmp/indexes" && continue
		change "making the indexes" datastore indexes create deploy/index.yaml --database="$database"
		return
	done
}

# exempt_from_indexes spares Firestore the indexes of what nobody looks for.
exempt_from_indexes() {
	local kind field
	look exemptions
	for kind in $(kinds | cut -f1); do
		for field in _data _expire; do
			grep -qF "/collectionGroups/$kind/fields/$field" "$tmp/exemptions" ||
				change "no index of $kind by $field" firestore indexes fields update "$field" --collection-group="$kind" --disable-indexes --async --database="$database"
		done
	done
}
