// count.js counts the visit and fills every <visit-count> element:
//
//   <script src="https://HOST/visits/count.js" defer></script>
//   <visit-count page="/about" format="short" uniques>fallback</visit-count>
//
// What is served is count.min.js, below 2 KiB, which go generate makes of this file.
// README.md tells a site's owner how the script behaves, and count_test.go has a case for
// each of those sentences.
(() => {
    // A second copy of the script must not count a second time.
    if (customElements.get('visit-count')) return;

    // here is the page counted last, folded as the server folds it, via what brought
    // the visitor to it, counted its reply to come, batch the pages to read next. known
    // has for each page the promise of its newest numbers.
    let here, fold, via, counted, batch = [],
        me = document.currentScript,
        known = {__proto__: null},
        tags = new Set;

    // The numbers of pages, in their order; after a failure of any kind, none. A
    // read waits for the count, so as never to bring the number from before it, and
    // takes along what was asked for meanwhile.
    const call = async (pages, init) => {
        try {
            if (!init) await counted, batch = [];
            const r = await fetch(me.src.split('/count.js')[0] + '?' + new URLSearchParams([...pages.map(p => ['page', p]), ...init ? via : []]), init),
                json = r.ok && await r.json();
            return json.pages || [json];
        } catch {}
    };

    // The API takes at most 100 pages a call. A count has a call of its own.
    const ask = (page, init) => {
        const pages = init ? [] : batch,
            i = pages.push(page) - 1;
        if (i > 98) batch = [];
        return (pages.reply ||= call(pages, init)).then(all => all?.[i]);
    };

    // An element goes back to its own content before it shows another page or another
    // visit, and drops a reply that it no longer waits for. No language, or one like
    // "en_US" that is no language tag, throws.
    const fill = async el => {
        if (!here) return;
        const page = el.getAttribute('page') || here,
            due = known[page] ||= ask(page);
        if (el.due != due && el.own) el.replaceChildren(...el.own);
        el.due = due;
        let n = (await due)?.[el.matches('[uniques]') ? 'uniques' : 'visits'];
        if (el.due != due || n !== +n) return;
        try {
            n = el.matches('[format=short]')
                ? n.toLocaleString('en', {notation: 'compact', maximumFractionDigits: 1}).replace('K', 'k')
                : n.toLocaleString(el.closest('[lang]').lang);
        } catch {
            n = n.toLocaleString('en');
        }
        el.own ||= [...el.childNodes];
        el.replaceChildren(n);
    };

    // A page that nobody has looked at yet, prerendered or in a tab behind, waits. A
    // router that only adds a slash does not count again. A file: page has an empty
    // host name. Storage may be forbidden, which is no wish to be left out.
    const view = () => {
        const page = location.pathname;
        let skip = top != self || me.dataset.allowLocal == null && /^((.*\.)?localhost|127[\d.]+|[0.]*|\[::1])$/.test(location.hostname);
        try {
            const link = /^#tallystick-opt(in|out)$/.exec(location.hash);
            if (link) localStorage.tallystick = link[1];
            skip ||= localStorage.tallystick == 'out';
        } catch {}
        if (!here && (document.hidden || document.prerendering) || fold == (fold = page.replace(/\/(index\.html)?$/, ''))) return;
        // A router's views have no referrer but the page that was loaded first.
        const from = document.referrer.split('/')[2];
        via = here ? [] : [['referrer', from != location.host && from], ['utm_source', new URLSearchParams(location.search).get('utm_source')]].filter(v => v[1]);
        here = page;
        known[page] = skip ? 0 : counted = ask(page, {method: 'POST', keepalive: true});
        tags.forEach(fill);
    };

    customElements.define('visit-count', class extends HTMLElement {
        static observedAttributes = ['page', 'format', 'uniques'];
        connectedCallback() {
            tags.add(this);
            fill(this);
        }
        disconnectedCallback() {
            tags.delete(this);
        }
        attributeChangedCallback() {
            fill(this);
        }
    });

    for (const name of ['pushState', 'replaceState']) {
        const old = history[name];
        history[name] = (...a) => view(old.apply(history, a));
    }
    for (const name of ['popstate', 'visibilitychange', 'prerenderingchange']) addEventListener(name, view, true);
    view();
})();
