// stock.js fills every <stock-count> element with what is available:
//
//   <script src="https://HOST/stock/count.js" data-refresh="30" defer></script>
//   Only <stock-count sku="WIDGET">a few</stock-count> left
//
// It is served as count.js is, below 1.5 KiB, and may stand beside it. README.md tells
// a site's owner how it behaves, and stock_test.go has a case for each of those
// sentences.
(() => {
    // A second copy of the script must not read a second time.
    if (customElements.get('stock-count')) return;

    // batch is the items to read next, busy how many calls have no reply yet. known has
    // for each item the promise of its newest number.
    let known, batch = [],
        busy = 0,
        me = document.currentScript,
        every = me.dataset.refresh * 1e3,
        tags = new Set;

    // What is available of items, by name; after a failure of any kind, nothing. A read
    // takes along what is asked for in the same moment.
    const call = async skus => {
        busy++;
        try {
            await new Promise(done => setTimeout(done)), batch = [];
            const r = await fetch(me.src.split('/count.js')[0] + '?skus=' + skus);
            return r.ok && new Map((await r.json()).items.map(i => [i.sku, i.available]));
        } catch {} finally {
            busy--;
        }
    };

    // The API takes at most 100 items a call, and for one bad name refuses them all: a
    // template's __SKU__ that nobody filled, or what stands in an item's place in a route.
    const ask = sku => {
        if (!/^(?!(\.+|__.*__|alerts|batch|count\.js)$)[\w.~:@-]{1,64}$/.test(sku)) return;
        const skus = batch;
        if (skus.push(sku) > 99) batch = [];
        return (skus.reply ||= call(skus)).then(all => all && all.get(sku));
    };

    // A page that nobody looks at waits. An element goes back to its own content before
    // it shows another item, and drops a reply that it no longer waits for. No language,
    // or one like "en_US" that is no language tag, throws.
    const fill = async el => {
        if (document.hidden) return;
        const sku = el.getAttribute('sku') || '',
            due = known[sku] ||= ask(sku);
        if (el.of != sku && el.own) {
            el.replaceChildren(...el.own);
            el.removeAttribute('available');
        }
        el.of = sku;
        el.due = due;
        let n = await due;
        if (el.due != due || n !== +n) return;
        n = Math.max(n, 0);
        el.setAttribute('available', n);
        try {
            n = n.toLocaleString(el.closest('[lang]').lang);
        } catch {
            n = n.toLocaleString('en');
        }
        el.own ||= [...el.childNodes];
        el.replaceChildren(n);
    };

    const read = () => {
        known = {__proto__: null};
        tags.forEach(fill);
    };
    read();

    customElements.define('stock-count', class extends HTMLElement {
        static observedAttributes = ['sku'];
        connectedCallback() {
            tags.add(this);
            fill(this);
        }
        disconnectedCallback() {
            tags.delete(this);
        }
        attributeChangedCallback() {
            if (tags.has(this)) fill(this);
        }
    });

    // A timer that is told to wait longer than it can does not wait at all.
    addEventListener('visibilitychange', read, true);
    if (every > 999 && every < 2e9) setInterval(() => busy || read(), every);
})();
