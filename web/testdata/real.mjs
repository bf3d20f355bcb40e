// What tallystick.js does with a real Tallystick. Node runs it, and a page and a worker of
// a browser do. Every method is called, and lossy is the same server behind a line that
// loses the first reply to each request.
import { equal, failure } from './want.mjs';

export async function real({ Tallystick, url, lossy, key, fetch }) {
    const called = new Set();
    const api = noting(new Tallystick(url, { key, fetch }), called);
    const { visits, stock, reservations, records, collections, partners, deliveries } = api;

    // Visits
    const counted = await visits.count('/a?b', { referrer: 'https://news.ycombinator.com/item?id=1', source: 'letter' });
    equal('the first visit', [counted.page, counted.visits, counted.counted], ['/a', 1, true]);
    equal('two pages', (await visits.read(['/a', '/b'])).map(p => p.visits), [1, 0]);
    equal('a list of one page', (await visits.read(['/a'])).map(p => p.visits), [1]);
    equal('a list of no page', await visits.read([]), []);
    await visits.set('/b', { visits: 40, uniques: 30 });
    equal('a page', (await visits.read('/b')).visits, 40);
    equal('the busiest', (await visits.top({ pageSize: 1 })).pages.map(p => p.page), ['/b']);
    const day = new Date().toISOString().slice(0, 10);
    equal('the history', (await visits.history('/a', { from: day, to: day })).days.length, 1);
    const summary = await visits.summary({ from: day, to: day });
    equal('the summary', [summary.visits, summary.referrers[0].name, summary.sources[0].name], [1, 'news.ycombinator.com', 'letter']);
    equal('a deleted page', (await visits.remove('/b')).deleted, true);

    // Stock
    await stock.configure('TEA-1', { lowStockThreshold: 5 });
    await stock.configure('MUG');
    const undoing = await failure(stock.configure('TEA-1', { lowStockThreshold: 6, expected: { lowStockThreshold: 4 } }));
    equal('settings that are not as expected', [undoing.status, undoing.code], [409, 'STALE_SETTINGS']);
    equal('a delivery', (await stock.adjust('TEA-1', { delta: 10, reason: 'delivery' })).onHand, 10);
    equal('a count', (await stock.count('TEA-1', { quantity: 9, expected: 10 })).onHand, 9);
    equal('a batch', (await stock.batch([{ sku: 'TEA-1', delta: -5 }, { sku: 'MUG', delta: 5 }], { reason: 'a set' })).items.map(i => i.onHand), [5, 4]);
    equal('an item', (await stock.read('TEA-1')).available, 4);
    equal('items', (await stock.read(['MUG', 'NO'])).missing, ['NO']);
    equal('all items', (await stock.items()).items.map(i => i.sku), ['MUG', 'TEA-1']);
    equal('movements', (await stock.movements('TEA-1', { pageSize: 2 })).movements.map(m => m.delta), [-5, -1]);
    equal('alerts', (await stock.alerts()).alerts.map(a => a.sku), ['TEA-1']);
    const stale = await failure(stock.count('TEA-1', { quantity: 9, expected: 10 }));
    equal('a stale count', [stale.status, stale.code, stale.errors[0].value], [409, 'STALE_COUNT', 4]);

    // Reservations
    const { id } = await reservations.create([{ sku: 'TEA-1', quantity: 2 }], { ttlSeconds: 60, reference: 'ORDER-7' });
    equal('a reservation', (await reservations.read(id)).status, 'held');
    equal('those held', (await reservations.list({ sku: 'TEA-1' })).reservations.map(r => r.id), [id]);
    equal('held for longer', (await reservations.extend(id, { ttlSeconds: 600 })).status, 'held');
    equal('sold', (await reservations.commit(id, { lines: [{ sku: 'TEA-1', quantity: 1 }] })).lines[0].committed, 1);
    const other = await reservations.create([{ sku: 'TEA-1', quantity: 3 }]);
    equal('given back', (await reservations.release(other.id)).status, 'released');

    // Records and their collections
    const settings = { indexes: [{ field: 'price', type: 'number' }] };
    const collection = await collections.put('teas', settings, { ifNoneMatch: '*' });
    equal('settings that are there', (await failure(collections.put('teas', {}, { ifNoneMatch: '*' }))).status, 412);
    await collections.put('teas', settings, { ifMatch: collection.etag });
    equal('a collection', (await collections.get('teas')).indexes[0].field, 'price');
    equal('collections', (await collections.list()).collections.map(c => c.collection), ['teas']);
    equal('a trial', (await collections.try('teas', { data: { price: '3.5' } })).transformed, { price: 3.5 });
    equal('nothing to make anew', (await collections.retransform('teas')).count, 0);
    await records.store('teas', { records: [{ id: 'a@b', data: { price: 1 } }, { id: 'b', data: { price: 2 } }] });
    await records.store('teas', { price: 9 }, { upsert: true });
    const record = await records.get('teas', 'a@b');
    const put = await records.put('teas', 'a@b', { price: 4, name: 'Grüntee' }, { ifMatch: record.etag });
    equal('a changed record', [put.version, put.etag == record.etag], [2, false]);
    equal('a record that changed', (await failure(records.put('teas', 'a@b', {}, { ifMatch: record.etag }))).code, 'PRECONDITION_FAILED');
    equal('a patched record', (await records.patch('teas', 'a@b', { price: 5 })).transformed, { price: 5, name: 'Grüntee' });
    equal('revisions before it', (await records.revisions('teas', 'a@b')).records.map(r => r.version), [2, 1]);
    equal('a filtered list', (await records.list('teas', { filter: 'price > 4', orderBy: 'price' })).records.map(r => r.transformed.price), [5, 9]);
    equal('a filter', (await records.filter('teas', { price: 2 })).records.map(r => r.id), ['b']);
    equal('a filter in text', (await records.filter('teas', 'price >= 5', { count: true })).total, 2);
    const prices = [];
    for await (const r of records.all('teas', { pageSize: 1 })) prices.push(r.transformed.price);
    equal('all records, page by page', prices.sort(), [2, 5, 9]);
    equal('keys', (await records.keys('teas')).ids.length, 3);
    equal('some records', (await records.many('teas', ['b', 'c'])).missing, ['c']);
    equal('removed', (await records.remove('teas', 'b')).deleted, ['b']);
    equal('several removed', (await records.remove('teas', ['a@b', 'c'])).deleted, ['a@b']);

    await numbers({ Tallystick, url, key, fetch }, records);

    // Partners
    equal('partners', (await partners.list()).partners.map(p => p.id), ['acme']);
    equal('updates', (await partners.updates('acme')).updates.length, 1);
    equal('a delivery', (await deliveries.read('D-1')).status, 'shipped');
    equal('no delivery', (await failure(deliveries.read('D-2'))).status, 404);

    const methods = Object.entries(api).flatMap(([group, all]) => Object.keys(all).map(name => `${group}.${name}`));
    equal('methods that were not called', methods.filter(m => !called.has(m)), []);

    await lost(new Tallystick(lossy, { key, fetch }), api);
    await refused(Tallystick, url, fetch);
}

// numbers that JavaScript has only roughly: put stores what get made of them, patch does not, and parse has them as
// they are.
async function numbers({ Tallystick, url, key, fetch }, records) {
    const written = '{"n":12345678901234567890,"m":10.50}';
    const store = () => globalThis.fetch(`${url}/records/exact/a`, { method: 'PUT', body: written, headers: { 'X-Api-Key': key, 'Content-Type': 'application/json' } });
    const plain = new Tallystick(url, { key, fetch, parse: text => ({ text }) });
    const original = async () => /"original":(\{.*?\})/.exec((await plain.records.get('exact', 'a')).text)[1];

    await store();
    equal('as it was written', await original(), written);
    await records.patch('exact', 'a', { k: 1 });
    equal('patched', await original(), written.replace('}', ',"k":1}'));
    await records.put('exact', 'a', (await records.get('exact', 'a')).original);
    equal('put', await original(), '{"n":12345678901234567000,"m":10.5,"k":1}');

    if (!('rawJSON' in JSON)) return; // before Node 21
    await store();
    const parse = text => JSON.parse(text, (_, value, { source }) =>
        typeof value == 'number' && String(value) != source ? JSON.rawJSON(source) : value);
    const exact = new Tallystick(url, { key, fetch, parse });
    const record = await exact.records.get('exact', 'a');
    await exact.records.put('exact', 'a', { ...record.original, k: 1 }, { ifMatch: record.etag });
    equal('put exactly', await original(), written.replace('}', ',"k":1}'));
}

// lost: each change is done once though the first reply to it is lost.
async function lost(behind, { visits, stock, records }) {
    equal('a visit', (await behind.visits.count('/lost')).visits, 1);
    equal('visits', (await visits.read('/lost')).visits, 1);
    await behind.stock.configure('LOST', { oversellLimit: 1 });
    await behind.stock.adjust('LOST', { delta: 10 });
    await behind.stock.batch([{ sku: 'LOST', delta: 1 }]);
    const { id } = await behind.reservations.create([{ sku: 'LOST', quantity: 2 }]);
    const held = await stock.read('LOST');
    equal('adjusted, and reserved', [held.onHand, held.reserved], [11, 2]);
    await behind.reservations.extend(id);
    await behind.reservations.commit(id);
    equal('counted', (await behind.stock.count('LOST', { quantity: 8 })).onHand, 8);
    const back = await behind.reservations.create([{ sku: 'LOST', quantity: 1 }]);
    await behind.reservations.release(back.id);
    equal('movements', (await stock.movements('LOST')).movements.map(m => m.delta), [-1, -2, 1, 10]);
    await behind.records.store('lost', [{ a: 1 }, { a: 2 }]);
    equal('records', (await records.keys('lost')).ids.length, 2);
    equal('a list', (await behind.records.list('lost')).records.length, 2);
}

async function refused(Tallystick, url, fetch) {
    const wrong = await failure(new Tallystick(url, { key: 'wrong', fetch }).visits.top());
    equal('a wrong key', [wrong.name, wrong.code, wrong.detail.includes('API key'), wrong.errors], ['TallystickError', 'GATEWAY', true, []]);
    const none = await failure(new Tallystick(url, { fetch }).visits.top());
    equal('no key', [none.status, none.code], [401, 'GATEWAY']);
    const fault = await failure(new Tallystick(url, { fetch }).stock.read(Array(101).fill('A')));
    equal('too many items', [fault.status, fault.code, fault.errors[0]?.location], [422, 'VALIDATION_FAILED', 'query.skus']);
}

function noting(api, called) {
    const noted = {};
    for (const [group, methods] of Object.entries(api)) {
        noted[group] = Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, (...all) => {
            called.add(`${group}.${name}`);
            return method.apply(methods, all);
        }]));
    }
    return noted;
}
