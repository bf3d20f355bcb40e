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
	# gcloud compares, and makes those that are missing
	[ "$store" != datastore ] || settle "the indexes of deploy/index.yaml" datastore indexes create deploy/index.yaml --database="$database"
	while IFS='	' read -r kind expires; do
		[ "$expires" = expires ] || continue
		grep -qF "/collectionGroups/$kind/fields/_expire" "$tmp/ttl" ||
			settle "what expires of $kind is removed" firestore fields ttls update _expire --collection-group="$kind" --enable-ttl --async --database="$database"
	done <<<"$(kinds)"
	[ "$store" = datastore ] || exempt_from_indexes
}

# exempt_from_indexes spares Firestore the indexes of what nobody looks for.
exempt_from_indexes() {
	local kind expires
	look exemptions
	while IFS='	' read -r kind expires; do
		exempt "$kind" _data
		[ "$expires" != expires ] || exempt "$kind" _expire
	done <<<"$(kinds)"
}

exempt() {
	grep -qF "/collectionGroups/$1/fields/$2" "$tmp/exemptions" ||
		settle "no index of $1 by $2" firestore indexes fields update "$2" --collection-group="$1" --disable-indexes --async --database="$database"
}
