// shop.js is what a shop's page adds to <stock-count>: reserving, with a countdown, and a
// rush. A real shop's reservations are made by its own server, which has the key; here
// that is /demo/shop/.

const $ = id => document.getElementById(id);

async function act(what, query = {}) {
  let reply;
  try {
    reply = await fetch(`/demo/shop/${what}?${new URLSearchParams(query)}`, {method: 'POST'});
  } catch {
    throw new Error('The shop does not answer just now.');
  }
  if (reply.ok) return reply;
  const problem = await reply.json().catch(() => ({}));
  throw Object.assign(new Error(reason(problem, reply)), {code: problem.code});
}

function reason(problem, reply) {
  switch (problem.code) {
    case 'INSUFFICIENT_STOCK': return 'Sold out. Somebody may let go yet.';
    case 'RESERVATION_EXPIRED': return 'Your two minutes were over.';
  }
  return problem.detail ?? `The shop cannot do that just now (${reply.status}).`;
}

// stock.js reads again whenever the page is shown.
const refresh = () => document.dispatchEvent(new Event('visibilitychange'));

// A card's reservation outlives a reload of the page.

const kept = sku => `held ${sku}`;

function makeCard(card) {
  const sku = card.dataset.sku, name = card.querySelector('h3').textContent;
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Reserve';
  button.setAttribute('aria-label', `Reserve a ${name.toLowerCase()}`);
  const said = document.createElement('p');
  said.className = 'said';
  said.setAttribute('role', 'status');
  card.append(button, said);

  const held = $('held').content.firstElementChild.cloneNode(true);
  const time = held.querySelector('.time');
  let reservation, timer;
  const ends = {buy: 'Yours. The ledger has it as committed.', release: 'Back on the shelf.'};

  function show() {
    const left = Math.ceil((reservation.until - Date.now()) / 1000);
    if (left <= 0) return end('Nobody holds it any more: the two minutes are over.');
    time.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  }

  function hold(made) {
    reservation = made;
    sessionStorage.setItem(kept(sku), JSON.stringify(made));
    button.replaceWith(held);
    said.textContent = '';
    show();
    clearInterval(timer);
    timer = setInterval(show, 250);
  }

  function end(words) {
    clearInterval(timer);
    sessionStorage.removeItem(kept(sku));
    const inside = held.contains(document.activeElement);
    held.replaceWith(button);
    if (inside) button.focus();
    said.textContent = words;
    refresh();
  }

  async function press(pressed, work) {
    if (pressed.ariaDisabled === 'true') return;
    pressed.ariaDisabled = 'true';
    try {
      await work();
    } catch (failure) {
      said.textContent = failure.message;
    } finally {
      pressed.ariaDisabled = 'false';
    }
    refresh();
  }

  button.addEventListener('click', () => press(button, async () => {
    const reply = await act('reserve', {item: sku});
    const {id, createTime, expireTime} = await reply.json();
    // By this clock alone, which need not be as the server's.
    hold({id, until: Date.now() + Date.parse(expireTime) - Date.parse(createTime)});
    held.querySelector('.buy').focus();
  }));
  for (const [what, words] of Object.entries(ends)) {
    const one = held.querySelector(`.${what}`);
    one.setAttribute('aria-label', `${one.textContent}: ${name.toLowerCase()}`);
    one.addEventListener('click', () => press(one, async () => {
      try {
        await act(what, {id: reservation.id});
      } catch (failure) {
        // Bought before, by a try whose reply was lost.
        if (failure.code === 'RESERVATION_COMMITTED') return end(ends.buy);
        throw failure;
      }
      end(words);
    }));
  }
  try {
    const before = JSON.parse(sessionStorage.getItem(kept(sku)));
    if (before) hold(before);
  } catch {
    sessionStorage.removeItem(kept(sku));
  }
}

// The rush: a dot for each buyer, in the order in which they were answered.

const dots = [];

function drawCrowd(buyers) {
  const columns = innerWidth < 700 ? 25 : 50, size = 10;
  $('crowd').setAttribute('viewBox', `0 0 ${columns * size} ${Math.ceil(buyers / columns) * size}`);
  dots.length = 0;
  for (let i = 0; i < buyers; i++) {
    const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    dot.setAttribute('cx', (i % columns + .5) * size);
    dot.setAttribute('cy', (Math.floor(i / columns) + .5) * size);
    dot.setAttribute('r', 3.4);
    dots.push(dot);
  }
  $('crowd').replaceChildren(...dots);
}

async function* lines(reply) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

async function rush() {
  if ($('go').ariaDisabled === 'true') return;
  $('go').ariaDisabled = 'true';
  $('result').textContent = 'They are all at the counter …';
  try {
    await watch(await act('rush'));
  } catch (failure) {
    $('result').textContent = failure.message;
  } finally {
    $('go').ariaDisabled = 'false';
    refresh();
  }
}

async function watch(reply) {
  let start, end, answered = 0, got = 0, out = 0, failed = 0;
  for await (const line of lines(reply)) {
    if (line.buyers) {
      start = line;
      drawCrowd(line.buyers);
    } else if (line.seconds !== undefined) {
      end = line;
    } else {
      const kind = line.error ? 'failed' : line.got ? 'got' : 'out';
      dots[answered++].setAttribute('class', kind);
      if (kind === 'got') got++;
      else if (kind === 'out') out++;
      else failed++;
    }
  }
  if (!end) throw new Error('The connection broke off. What was reserved ends by itself in ten seconds.');
  const sentence = `${got} of ${start.buyers} buyers hold one now, ${out} were told that it is sold out`
    + (failed ? `, ${failed} had no answer to their reservation` : '') + `. ${end.seconds.toFixed(2)} seconds for all of them`;
  $('result').textContent = withStock(sentence, start.available, end.available, got);
  $('crowd').setAttribute('aria-label', $('result').textContent);
}

// withStock says that none was oversold where the numbers show it: they do not if stock
// gave none, or if somebody let go meanwhile.
function withStock(sentence, before, after, got) {
  if (before === undefined || after === undefined) return `${sentence}. Stock did not answer how many there were, so whether any was oversold is not known.`;
  return `${before} were left. ${sentence}${got <= before && after >= 0 ? ', none oversold' : ''}: ${after} left.`;
}

async function start() {
  // A key that is held down presses again and again.
  addEventListener('keydown', event => event.repeat && event.key === 'Enter' && event.target.closest('button') && event.preventDefault());
  document.querySelectorAll('.card').forEach(makeCard);
  drawCrowd(500);
  $('go').addEventListener('click', rush);
  try {
    await act('open');
    refresh();
  } catch (failure) {
    $('closed').textContent = failure.message;
  }
}

start();
