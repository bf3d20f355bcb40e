// When tallystick.js sends again, and what: against replies made here, so that nobody waits.
import { equal, failure } from './want.mjs';

const problem = (status, code, headers) => new Response(JSON.stringify({ title: 'No', status, code, detail: 'why' }), { status, headers });
const gateway = status => new Response(JSON.stringify({ code: status, message: 'no healthy upstream' }), { status });
const text = (status, body, headers) => new Response(body, { status, headers });
const down = () => { throw new TypeError('fetch failed'); };

/** repeated is how often each kind of call is sent in all, where every reply is this one. */
const repeated = [
    // reply, reads and changes with a key, changes without one
    ['the network fails', down, 5, 1],
    ['the gateway’s 502', () => gateway(502), 5, 1],
    ['the gateway’s 503', () => gateway(503), 5, 1],
    ['the gateway’s 504', () => gateway(504), 5, 1],
    ['a proxy’s page', () => text(503, '<h1>503</h1>'), 5, 1],
    ['429', () => problem(429, 'RATE_LIMITED'), 5, 5],
    ['the gateway’s 429', () => gateway(429), 5, 5],
    ['nothing was done', () => problem(503, 'STORAGE_UNAVAILABLE'), 5, 5],
    ['it is not known what was done', () => problem(503, 'OUTCOME_UNKNOWN'), 5, 1],
    ['some are removed', () => problem(503, 'REMOVAL_INCOMPLETE'), 5, 1],
    ['it took too long', () => problem(504, 'DEADLINE_EXCEEDED'), 5, 1],
    ['a fault of ours', () => problem(500, 'INTERNAL'), 1, 1],
    ['a fault of the call', () => problem(422, 'VALIDATION_FAILED'), 1, 1],
    ['a conflict', () => problem(409, 'OUT_OF_STOCK'), 1, 1],
    ['a page for 200', () => text(200, '<h1>Welcome</h1>'), 1, 1],
    ['to wait for an hour', () => problem(429, 'RATE_LIMITED', { 'Retry-After': '3600' }), 1, 1],
];

const safe = {
    'a read': api => api.records.get('c', 'i'),
    'a filter': api => api.records.filter('c', 'a = 1'),
    'a trial': api => api.collections.try('c', { data: {} }),
    'making anew': api => api.collections.retransform('c'),
    'a visit': api => api.visits.count('/'),
    'a setting of an item': api => api.stock.configure('A', {}),
    'a reservation': api => api.reservations.create([]),
    'a new record': api => api.records.store('c', {}),
};

const unsafe = {
    'visits that are set': api => api.visits.set('/', { visits: 1, uniques: 1 }),
    'visits that are deleted': api => api.visits.remove('/'),
    'a whole record': api => api.records.put('c', 'i', {}, { ifMatch: '"1"' }),
    'a change of a record': api => api.records.patch('c', 'i', {}),
    'a record that goes': api => api.records.remove('c', 'i'),
    'records that go': api => api.records.remove('c', ['i']),
    'settings': api => api.collections.put('c', {}),
};

export async function retries({ Tallystick, TallystickError }) {
    for (const [name, reply, withKey, without] of repeated) {
        for (const [calls, want] of [[safe, withKey], [unsafe, without]]) {
            for (const [what, call] of Object.entries(calls)) {
                const { api, sent } = answering(Tallystick, reply);
                const error = await waitless(() => failure(call(api)));
                equal(`${name}, ${what}: requests`, sent.length, want);
                equal(`${name}, ${what}: a TallystickError`, error instanceof TallystickError, true);
            }
        }
    }
    await onceTheSame(Tallystick);
    await waits(Tallystick);
    await aborts(Tallystick);
    await tells(Tallystick);
    await sends(Tallystick);
}

// onceTheSame: every attempt is the same request, with the same key, and the next call has another.
async function onceTheSame(Tallystick) {
    const replies = [down, () => gateway(502), () => text(200, '{}'), () => text(200, '{}'), () => text(200, '{}')];
    const { api, sent } = answering(Tallystick, () => replies.shift()());
    await waitless(() => api.stock.adjust('A', { delta: 1 }));
    await api.stock.adjust('A', { delta: 1 });
    await api.stock.adjust('A', { delta: 1, idempotencyKey: 'order-7' });
    const keys = sent.map(r => r.headers['idempotency-key']);
    equal('different keys', new Set(keys).size, 3);
    equal('keys of the first call', [keys[1], keys[2]], [keys[0], keys[0]]);
    equal('a key as long as a random one', keys[0].length, 32);
    equal('a key of one’s own', keys[4], 'order-7');
    equal('bodies', new Set(sent.map(r => r.body)).size, 1);
    equal('a body without the key', sent[4].body, '{"delta":1}');
}

async function waits(Tallystick) {
    for (const [luck, retryAfter, want] of [
        [1, undefined, [500, 1000, 2000, 4000]],
        [0.5, undefined, [250, 500, 1000, 2000]],
        [0, '7', [7000, 7000, 7000, 7000]],
        [1, '1', [1500, 2000, 3000, 5000]],
        [0, 'Wed, 21 Oct 2015 07:28:00 GMT', [0, 0, 0, 0]],
    ]) {
        const { api } = answering(Tallystick, () => problem(503, 'OVERLOADED', retryAfter && { 'Retry-After': retryAfter }));
        const waited = [];
        await waitless(() => failure(api.visits.top()), waited, luck);
        equal(`luck ${luck}, Retry-After ${retryAfter}`, waited, want);
    }
    const { api, sent } = answering(Tallystick, () => gateway(503), { attempts: 2 });
    await waitless(() => failure(api.visits.top()));
    equal('attempts', sent.length, 2);
}

async function aborts(Tallystick) {
    const before = answering(Tallystick, () => text(200, '{}'));
    equal('before', await failure(before.api.visits.top({ signal: AbortSignal.abort('no') })), 'no');

    const during = new AbortController();
    const hanging = answering(Tallystick, () => { during.abort('enough'); });
    equal('during', await failure(hanging.api.visits.top({ signal: during.signal })), 'enough');
    equal('requests during', hanging.sent.length, 1);

    // The reply says to wait for a minute, and nobody does.
    const waiting = new AbortController();
    const slow = answering(Tallystick, () => problem(429, 'RATE_LIMITED', { 'Retry-After': '60' }));
    const call = failure(slow.api.stock.adjust('A', { delta: 1, signal: waiting.signal }));
    setTimeout(() => waiting.abort('tired'));
    equal('while it waits', await call, 'tired');
    equal('requests while it waits', slow.sent.length, 1);

    const late = new AbortController();
    const answered = answering(Tallystick, () => { late.abort('gone'); return problem(429, 'RATE_LIMITED', { 'Retry-After': '60' }); }, {}, true);
    equal('between the reply and the wait', await failure(answered.api.visits.top({ signal: late.signal })), 'gone');
}

async function tells(Tallystick) {
    for (const [name, reply, want] of [
        ['a problem', () => problem(429, 'RATE_LIMITED', { 'Retry-After': '70' }), [429, 'RATE_LIMITED', 'why', 70]],
        ['the gateway', () => gateway(401), [401, 'GATEWAY', 'no healthy upstream', undefined]],
        ['a page', () => text(403, '<h1>No</h1>'), [403, 'GATEWAY', '<h1>No</h1>', undefined]],
        ['nothing', () => text(500, ''), [500, 'GATEWAY', '', undefined]],
        ['no object', () => text(200, '[1]'), [200, 'GATEWAY', '[1]', undefined]],
        ['null', () => text(400, 'null'), [400, 'GATEWAY', 'null', undefined]],
    ]) {
        const { api } = answering(Tallystick, reply, { attempts: 1 });
        const { status, code, detail, retryAfter, message } = await failure(api.visits.top());
        equal(name, [status, code, detail, retryAfter], want);
        equal(`${name}, its message`, message, `${code} (${status}): ${detail}`);
    }
    const { api } = answering(Tallystick, down, { attempts: 1 });
    const error = await failure(api.visits.top());
    equal('the network', [error.status, error.code, error.cause.message], [0, 'NETWORK', 'fetch failed']);
    equal('where it was', error.message.startsWith('NETWORK: No reply from https://api.example/base/visits/top'), true);
    const circle = {};
    circle.itself = circle;
    const { api: any, sent } = answering(Tallystick, () => text(200, '{}'));
    equal('what is no JSON', [(await failure(any.records.put('c', 'i', circle))).name, sent.length], ['TypeError', 0]);
}

async function sends(Tallystick) {
    const { api, sent } = answering(Tallystick, () => text(200, '{"records":[]}'), { key: 's3cret', user: 'Zoë', password: 'p:ß' });
    await api.records.get('c', 'a@b~1');
    await api.stock.movements('x/y?z#é', { pageSize: 2, pageToken: undefined });
    await api.visits.read(['/a&b', '/ü']);
    await api.records.put('c', 'i', { ifMatch: 'in it' }, { ifMatch: '"1"' });
    await api.records.remove('c', ['a', 'b']);
    equal('addresses', sent.map(r => `${r.method} ${r.url.replace('https://api.example/base', '')}`), [
        'GET /records/c/a%40b~1',
        'GET /stock/x%2Fy%3Fz%23%C3%A9/movements?pageSize=2',
        'GET /visits?page=%2Fa%26b&page=%2F%C3%BC',
        'PUT /records/c/i',
        'DELETE /delete?collection=c&ids=a&ids=b',
    ]);
    equal('If-Match', [sent[3].headers['if-match'], sent[3].body], ['"1"', '{"ifMatch":"in it"}']);
    for (const { headers, credentials, redirect } of sent) {
        equal('the key', headers['x-api-key'], 's3cret');
        equal('the user', atob(headers.authorization.slice('Basic '.length)), 'ZoÃ«:p:Ã\x9f'); // UTF-8
        equal('no cookie and no way round', [credentials, redirect], ['omit', 'error']);
    }
    for (const name of ['', '.', '..']) {
        equal(`the name "${name}"`, (await failure(api.records.remove('c', name))).name, 'TypeError');
    }
    const curly = answering(Tallystick, () => text(200, '{}'), { key: '“s3cret”' });
    const refused = await failure(curly.api.visits.top());
    equal('a key in curly quotes', [refused.name, refused.message, curly.sent.length],
        ['TypeError', 'X-Api-Key has a character that cannot be sent, such as a curly quote', 0]);
    equal('nothing more was sent', sent.length, 5);
}

// answering is a client whose requests are kept, and answered by reply. Unless it is deaf,
// a reply heeds the signal.
function answering(Tallystick, reply, options, deaf) {
    const sent = [];
    const fetch = async (url, { headers, signal, ...init }) => {
        if (!deaf) signal?.throwIfAborted();
        sent.push({ url, headers: Object.fromEntries(headers), ...init });
        const answer = reply();
        if (!deaf) signal?.throwIfAborted();
        return answer;
    };
    return { sent, api: new Tallystick('https://api.example/base/', { fetch, ...options }) };
}

// waitless runs fn without its waits, which it keeps; luck is what is drawn.
async function waitless(fn, waited = [], luck = 1) {
    const { setTimeout } = globalThis, { random } = Math;
    globalThis.setTimeout = (done, milliseconds) => { waited.push(milliseconds); queueMicrotask(done); };
    Math.random = () => luck;
    try {
        return await fn();
    } finally {
        globalThis.setTimeout = setTimeout;
        Math.random = random;
    }
}
