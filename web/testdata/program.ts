// A program that uses each kind of what tallystick.d.ts has. It is type-checked and never run.
import { Tallystick, TallystickError, type Item, type Record, type Reservation } from '../tallystick.js';

interface Tea {
    price: number;
}

async function shop(): Promise<number> {
    const t = new Tallystick('https://HOST', { key: 'k', attempts: 3, fetch, parse: JSON.parse });
    const { visits }: { visits: number } = await t.visits.read('/');
    const both: number = (await t.visits.read(['/a', '/b']))[1].uniques;
    const item: Item = await t.stock.read('TEA-1');
    const missing: string[] = (await t.stock.read(['TEA-1', 'MUG'])).missing;
    await t.stock.adjust('TEA-1', { delta: -1, idempotencyKey: 'order-7', signal: AbortSignal.timeout(1000) });
    await t.stock.configure('TEA-1', { lowStockThreshold: null });
    const held: Reservation = await t.reservations.create([{ sku: 'TEA-1', quantity: 1 }], { ttlSeconds: 120 });
    if (held.status === 'expired') await t.reservations.release(held.id);
    const tea: Tea = { price: 3 };
    await t.records.store('teas', [tea]);
    const { etag, version } = await t.records.get('teas', 'a');
    await t.records.put('teas', 'a', tea, { ifMatch: etag });
    for await (const r of t.records.all('teas', { filter: 'price > 1' })) {
        const record: Record = r;
        const price: unknown = record.transformed.price;
    }
    const expired: string | undefined = (await t.collections.get('teas')).updateTime;
    try {
        await t.partners.updates('acme', { pageSize: 10 });
    } catch (error) {
        if (error instanceof TallystickError && error.errors[0]?.value !== undefined) {
            return error.status + (error.retryAfter ?? error.errors[0].value);
        }
    }

    // @ts-expect-error: a change without its delta
    await t.stock.adjust('TEA-1', {});
    // @ts-expect-error: nor without all of it
    await t.stock.adjust('TEA-1');
    // @ts-expect-error: not an option
    await t.visits.top({ limit: 3 });
    // @ts-expect-error: a read is done once anyway
    await t.visits.read('/', { idempotencyKey: 'k' });
    // @ts-expect-error: an enum's value
    if (held.status === 'sold') return 0;
    // @ts-expect-error: several items are another type
    const several: Item = await t.stock.read(['A']);
    // @ts-expect-error: null is for what may be null
    await t.stock.adjust('TEA-1', { delta: null });
    return visits + both + item.available + missing.length + version;
}
