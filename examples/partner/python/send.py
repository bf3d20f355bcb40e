"""Sends a partner's update; needs nothing but Python 3:
TALLYSTICK_URL=https://HOST PARTNER=acme TALLYSTICK_SECRET=whsec_… python3 send.py '{"type":…,"timestamp":…,"data":…}' [ID]
"""
import base64, hashlib, hmac, os, sys, time, urllib.error, urllib.request, uuid

url = f"{os.environ['TALLYSTICK_URL']}/partners/{os.environ['PARTNER']}/updates"
key = base64.b64decode(os.environ["TALLYSTICK_SECRET"].removeprefix("whsec_"))
body = sys.argv[1].encode()
update_id = sys.argv[2] if len(sys.argv) > 2 else f"msg_{uuid.uuid4()}"  # one for all tries


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
            return reply.status, None, reply.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers["Retry-After"], refused.read().decode()
    except OSError as broken:
        return 599, None, str(broken)


for attempt in range(1, 9):
    status, wait, text = send()
    if status < 500 and wait is None or attempt == 8:
        break
    time.sleep(max(attempt**2 * 0.2, int(wait) if wait and wait.isdecimal() else 0))
print(text)
if status != 200:
    sys.exit(f"not done, as far as is known; to send the same again: webhook-id {update_id}")
