"""Sends a partner's update; needs nothing but Python 3:
TALLYSTICK_URL=https://HOST PARTNER=acme TALLYSTICK_SECRET=whsec_… python3 send.py '{"type":…,"timestamp":…,"data":…}'
"""
import base64, hashlib, hmac, os, sys, time, urllib.error, urllib.request, uuid

url = f"{os.environ['TALLYSTICK_URL']}/partners/{os.environ['PARTNER']}/updates"
key = base64.b64decode(os.environ["TALLYSTICK_SECRET"].removeprefix("whsec_"))
body = sys.argv[1].encode()
update_id = f"msg_{uuid.uuid4()}"  # one id for all tries


def send():
    now = str(int(time.time()))  # of this try
    signed = f"{update_id}.{now}.".encode() + body
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    request = urllib.request.Request(url, body, {
        "Content-Type": "application/json", "webhook-id": update_id,
        "webhook-timestamp": now, "webhook-signature": f"v1,{signature}",
    })
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, False, reply.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.code >= 500 or "Retry-After" in refused.headers, refused.read().decode()
    except OSError as broken:
        return 599, True, str(broken)


for attempt in range(1, 9):
    status, again, text = send()
    if not again:
        break
    time.sleep(attempt**2 * 0.2)
print(text)
sys.exit(status != 200)
