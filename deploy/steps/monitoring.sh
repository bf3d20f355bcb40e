# shellcheck shell=bash
# Metrics and alerts.

make_alerts() {
	$monitoring || return 0
	begin "Metrics and alerts"
	local file
	! $dry || echo "# RENDERED/NAME.yaml is a file of deploy/monitoring with its hash in it."
	in_parallel look metrics alerts
	for file in deploy/monitoring/metrics/*.yaml; do
		watch_metric "$(basename "$file" .yaml)" "$file"
	done
	for file in deploy/monitoring/alerts/*.yaml; do
		watch_alert "$(basename "$file" .yaml)" "$file"
	done
	if printf '%s' "$settings" | cat - "$tmp/settings" | grep -Eq '(^| )LOG_LEVEL=(warn|error)$'; then
		say "   Beware: with LOG_LEVEL=warn requests leave no line, so the metrics know of failures alone."
	fi
}

# watch_metric makes a metric, whose description ends with the hash of its file.
watch_metric() {
	local name=$1 hash how=update
	hash=$(sha256 <"$2" | cut -c 1-12)
	! grep -q "^$name	.*$hash" "$tmp/metrics" || return 0
	grep -q "^$name	" "$tmp/metrics" || how=create
	sed "s/HASH/$hash/" "$2" >"$tmp/$name.yaml"
	change "$how metric $name" logging metrics $how "$name" --config-from-file="$(rendered "$name.yaml")"
}

# watch_alert makes an alert, whose label is its name and the hash of its file. The
# channels that it goes to already stay.
watch_alert() {
	local name=$1 label id channels
	label=$name-$(sha256 <"$2" | cut -c 1-12)
	id=$(awk -F '\t' -v name="$name-" 'index($2, name) == 1 { print $1 }' "$tmp/alerts")
	channels=$(awk -F '\t' -v id="$id" '$1 == id { print $3 }' "$tmp/alerts" | tr ';' '\n')
	if grep -q "	$label	" "$tmp/alerts" && { [ -z "$notify" ] || has_word "$channels" "$notify"; }; then
		return
	fi
	has_word "$channels" "$notify" || channels="$channels$newline$notify"
	sed "s/HASH/$label/" "$2" >"$tmp/$name.yaml"
	printf 'notificationChannels: [%s]\n' "$(printf '%s' "$channels" | grep . | tr '\n' ',' || true)" >>"$tmp/$name.yaml"
	if [ -n "$id" ]; then
		settle "changing alert $name" alpha monitoring policies update "$id" --policy-from-file="$(rendered "$name.yaml")"
	else
		settle "making alert $name" alpha monitoring policies create --policy-from-file="$(rendered "$name.yaml")"
	fi
}
