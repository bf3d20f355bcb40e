#!/bin/sh
# Sends a partner's update; needs curl 7.84, openssl and od:
#   TALLYSTICK_URL=https://HOST PARTNER=acme TALLYSTICK_SECRET=whsec_… ./send.sh '{"type":…,"timestamp":…,"data":…}' [ID]
set -eu
: "${TALLYSTICK_URL:?is not set: where the shop is, https://HOST}"
: "${PARTNER:?is not set: the name that the operator gave you}"
: "${TALLYSTICK_SECRET:?is not set: the secret that the operator gave you, whsec_…}"
body=$1
id=${2:-msg_$(openssl rand -hex 16)} # one for all tries
key=$(printf %s "${TALLYSTICK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
reply=$(mktemp)
trap 'rm -f "$reply"' EXIT

attempt=1
while :; do
    now=$(date +%s) # of this try
    # The key is seen by other users of this machine while openssl runs.
    signature=$(printf %s "$id.$now.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
    status=$(curl --silent --show-error --max-time 30 --output "$reply" --write-out '%{http_code} %header{retry-after}' \
        -H 'Content-Type: application/json' -H "webhook-id: $id" \
        -H "webhook-timestamp: $now" -H "webhook-signature: v1,$signature" \
        --data-binary "$body" "$TALLYSTICK_URL/partners/$PARTNER/updates") || status='599 '
    case $status in
    5* | *' '?*) [ "$attempt" -lt 8 ] || break ;;
    *) break ;;
    esac
    wait=${status#* }
    case $wait in
    '' | *[!0-9]*) wait=0 ;;
    esac
    [ "$wait" -gt "$attempt" ] || wait=$attempt
    sleep "$wait"
    attempt=$((attempt + 1))
done
cat "$reply"
[ "$status" = '200 ' ] || {
    echo "not done, as far as is known; to send the same again: webhook-id $id" >&2
    exit 1
}
