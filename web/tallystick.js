// The API as a class, for pages, workers and Node 20 or later. See README.md and tallystick.d.ts.

/** What went wrong. status is 0 where no reply came. */
export class TallystickError extends Error {
    constructor({ status, code, detail, errors = [], retryAfter, cause }) {
        super(`${code}${status ? ` (${status})` : ''}: ${detail}`, { cause });
        this.name = 'TallystickError';
        Object.assign(this, { status, code, detail, errors, retryAfter });
    }
}

export class Tallystick {
    /** url is where the gateway is; '' is a page's own origin. */
    constructor(url, { key, user, password = '', attempts = 5, fetch = globalThis.fetch, parse = JSON.parse } = {}) {
        const headers = {};
        if (key) headers['X-Api-Key'] = key;
        if (user) headers.Authorization = `Basic ${base64(`${user}:${password}`)}`;
        const base = url.replace(/\/+$/, '');
        const call = async (method, path, body, options = {}, repeatable = options.idempotencyKey !== undefined) => {
            const { idempotencyKey, ifMatch, ifNoneMatch, signal, ...query } = options;
            return repeat(attempts, {
                fetch, parse, method, url: base + path.map(part).join('') + search(query), body, signal, repeatable,
                headers: {
                    ...headers, 'Content-Type': body && 'application/json',
                    'Idempotency-Key': idempotencyKey, 'If-Match': ifMatch, 'If-None-Match': ifNoneMatch,
                },
            });
        };
        const get = (path, options) => call('GET', path, undefined, options, true);
        const keyed = options => ({ ...options, idempotencyKey: options?.idempotencyKey ?? newKey() });
        // The options are the body. It is done once however often it is sent.
        const once = (method, path, options) => {
            const { idempotencyKey, signal, ...body } = keyed(options);
            return call(method, path, body, { idempotencyKey, signal });
        };

        this.visits = {
            count: (page, { source, ...options } = {}) =>
                call('POST', ['visits'], undefined, keyed({ page, utm_source: source, ...options })),
            read: async (page, options) => {
                if (!Array.isArray(page)) return get(['visits'], { page, ...options });
                if (!page.length) return []; // or it would be the page /
                const reply = await get(['visits'], { page, ...options });
                return reply.pages ?? [reply];
            },
            top: options => get(['visits', 'top'], options),
            history: (page, options) => get(['visits', 'history'], { page, ...options }),
            summary: options => get(['visits', 'summary'], options),
            set: (page, { signal, ...tally }) => call('PUT', ['visits'], tally, { page, signal }),
            remove: (page, options) => call('DELETE', ['visits'], undefined, { page, ...options }),
        };

        this.stock = {
            read: (sku, options) => Array.isArray(sku)
                ? get(['stock'], { skus: sku, ...options })
                : get(['stock', sku], options),
            items: options => get(['items'], options),
            adjust: (sku, change) => once('POST', ['stock', sku, 'adjust'], change),
            count: (sku, count) => once('POST', ['stock', sku, 'count'], count),
            batch: (lines, options) => once('POST', ['stock', 'batch'], { lines, ...options }),
            configure: (sku, settings) => once('PUT', ['stock', sku], settings),
            movements: (sku, options) => get(['stock', sku, 'movements'], options),
            alerts: options => get(['stock', 'alerts'], options),
        };

        this.reservations = {
            create: (lines, options) => once('POST', ['reservations'], { lines, ...options }),
            read: (id, options) => get(['reservations', id], options),
            list: options => get(['reservations'], options),
            commit: (id, options) => once('POST', ['reservations', id, 'commit'], options),
            release: (id, options) => once('POST', ['reservations', id, 'release'], options),
            extend: (id, options) => once('POST', ['reservations', id, 'extend'], options),
        };

        this.records = {
            store: (collection, documents, options) => call('POST', ['records', collection], documents, keyed(options)),
            put: (collection, id, document, options) => call('PUT', ['records', collection, id], document, options),
            patch: (collection, id, change, options) => call('PATCH', ['records', collection, id], change, options),
            get: (collection, id, options) => get(['records', collection, id], options),
            list: (collection, options) => get(['records', collection], options),
            all: async function* (collection, options) {
                let pageToken;
                do {
                    const page = await this.list(collection, { ...options, pageToken });
                    yield* page.records;
                    pageToken = page.nextPageToken;
                } while (pageToken);
            },
            filter: (collection, where, options) => call('POST', ['filter'],
                typeof where == 'string' ? { filter: where } : where, { collection, ...options }, true),
            keys: (collection, options) => get(['fetchKeys'], { collection, ...options }),
            many: (collection, ids, options) => get(['fetchMany'], { collection, ids, ...options }),
            remove: (collection, id, options) => Array.isArray(id)
                ? call('DELETE', ['delete'], undefined, { collection, ids: id, ...options })
                : call('DELETE', ['records', collection, id], undefined, options),
            revisions: (collection, id, options) => get(['records', collection, id, 'revisions'], options),
        };

        this.collections = {
            list: options => get(['collections'], options),
            get: (name, options) => get(['collections', name], options),
            put: (name, settings, options) => call('PUT', ['collections', name], settings, options),
            // One changes nothing, the other only what is left to change.
            try: (name, { signal, ...trial }) => call('POST', ['collections', name, 'try'], trial, { signal }, true),
            retransform: (name, options) => call('POST', ['collections', name, 'retransform'], undefined, options, true),
        };

        this.partners = {
            list: options => get(['partners'], options),
            updates: (partner, options) => get(['partners', partner, 'updates'], options),
        };

        this.deliveries = { read: (id, options) => get(['deliveries', id], options) };
    }
}

// Most seconds that are waited because a reply says so.
const patience = 60;

async function repeat(attempts, request) {
    for (let attempt = 1; ; attempt++) {
        try {
            return await send(request);
        } catch (error) {
            request.signal?.throwIfAborted();
            const after = error.retryAfter ?? 0;
            if (attempt >= attempts || after > patience || !mayRepeat(error, request)) throw error;
            // Full jitter: who failed together does not come back together.
            await sleep(1000 * after + Math.random() * Math.min(250 * 2 ** attempt, 8000), request.signal);
        }
    }
}

// After 429, and a function's own 503 but for two codes, nothing was done. Else that is not known,
// and only what may be done twice, or has a key, is sent again.
function mayRepeat({ status, code }, { repeatable }) {
    if (status == 429) return true;
    if (status == 503 && !['GATEWAY', 'OUTCOME_UNKNOWN', 'REMOVAL_INCOMPLETE'].includes(code)) return true;
    return repeatable && [0, 502, 503, 504].includes(status);
}

async function send({ fetch, parse, url, method, headers, body, signal }) {
    const init = {
        method, signal, body: JSON.stringify(body), headers: new Headers(),
        credentials: 'omit', // a browser would ask for a password
        redirect: 'error', // the key would go wherever it points
    };
    for (const [name, value] of Object.entries(headers)) {
        try {
            if (value) init.headers.set(name, value);
        } catch {
            throw new TypeError(`${name} has a character that cannot be sent, such as a curly quote`);
        }
    }
    let reply, text;
    try {
        reply = await fetch(url, init);
        text = await reply.text();
    } catch (cause) {
        const detail = `No reply from ${url}: it is down, or does not allow this origin.`;
        throw new TallystickError({ status: 0, code: 'NETWORK', detail, cause });
    }
    return read(reply, text, parse);
}

function read(reply, text, parse) {
    let content;
    try {
        content = parse(text);
    } catch {
        // It is told as text.
    }
    if (reply.ok && content?.constructor == Object) {
        const etag = reply.headers.get('ETag');
        return etag ? { ...content, etag } : content;
    }
    const seconds = parseInt(reply.headers.get('Retry-After'));
    const problem = typeof content?.code == 'string' ? content
        : { code: 'GATEWAY', detail: content?.message ?? text.slice(0, 200) }; // or that of a proxy
    throw new TallystickError({ ...problem, status: reply.status, retryAfter: seconds >= 0 ? seconds : undefined });
}

// part is of a path. A URL has none of nothing, or of dots alone.
function part(name) {
    if (/^\.{0,2}$/.test(name)) throw new TypeError(`"${name}" cannot stand in a URL`);
    return `/${encodeURIComponent(name)}`;
}

function search(query) {
    const all = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
        for (const one of [value].flat()) if (one !== undefined) all.append(name, one);
    }
    const text = String(all);
    return text && `?${text}`;
}

// newKey works where crypto.randomUUID does not, on pages without TLS.
function newKey() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}

function base64(text) {
    return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function sleep(milliseconds, signal) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, milliseconds);
        signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
    });
}
