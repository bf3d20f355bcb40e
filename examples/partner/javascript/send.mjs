// Sends a partner's update (npm install, then):
//   TALLYSTICK_URL=https://HOST PARTNER=acme TALLYSTICK_SECRET=whsec_… node send.mjs '{"type":…,"timestamp":…,"data":…}' [ID]
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

const { TALLYSTICK_URL, PARTNER, TALLYSTICK_SECRET } = process.env;
const [body, id = 'msg_' + randomUUID()] = process.argv.slice(2); // one id for all tries
const signer = new Webhook(TALLYSTICK_SECRET);

for (let attempt = 1; ; attempt++) {
    const now = new Date(); // of this try
    const reply = await fetch(`${TALLYSTICK_URL}/partners/${PARTNER}/updates`, {
        method: 'POST',
        headers: {
            'content-type': 'application/json',
            'webhook-id': id,
            'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
            'webhook-signature': signer.sign(id, now, body),
        },
        body,
        signal: AbortSignal.timeout(30_000),
    }).catch(error => new Response(String(error), { status: 599 }));
    const again = reply.status >= 500 || reply.headers.has('retry-after');
    if (!again || attempt === 8) {
        console.log(await reply.text());
        if (reply.status === 200) process.exit(0);
        console.error(`not done, as far as is known; to send the same again: webhook-id ${id}`);
        process.exit(1);
    }
    await sleep(Math.max(attempt ** 2 * 200, 1000 * (Number(reply.headers.get('retry-after')) || 0)));
}
