// held.js lists the reservations that are held now, of one item or of all.

import {itemAddress} from './address.js';
import {el, fill, table, empty, more, code} from './dom.js';
import {grouped, left, moment, now} from './format.js';
import {pages, every} from './part.js';
import {busy, isBusy, newKey} from './form.js';
import {words} from './fault.js';

// held lists them, next to expire first. changed is called when one was let go.
export function held(view, sku, changed) {
  const reload = () => {
    list.reload();
    changed?.();
  };
  const list = pages(view, {
    title: 'Held now', name: 'sheet',
    load: pageToken => view.api.reservations.list({sku, pageSize: 20, pageToken, signal: view.signal}),
    draw: ({reservations}) => reservations.length ? table({
      caption: 'Reservations that are held', rows: reservations,
      columns: [
        {name: 'Of', cell: r => r.lines.map((l, i) => [i ? ', ' : '', `${grouped(l.quantity)} × `, el('a', {href: itemAddress(l.sku)}, l.sku)])},
        {name: 'Time left', class: 'nowrap', cell: r => el('span', {class: 'left', 'data-id': r.id, 'data-until': r.expireTime}, left(r.expireTime))},
        {name: 'Reference', cell: r => r.reference ?? ''},
        {name: 'By', cell: r => r.who},
        {name: 'Since', cell: r => moment(r.createTime)},
        {name: 'Reservation', cell: r => code(r.id)},
        {name: 'Let go', cell: r => release(view, r, () => {
          list.said.textContent = `Released: ${r.lines.map(l => `${grouped(l.quantity)} × ${l.sku}`).join(', ')}.`;
          reload();
        })},
      ],
    }) : empty(sku ? 'None of it is held.' : 'Nothing is held.', ['A shop holds what is being paid: ', code('POST /reservations'), '. It comes back by itself when its time is over.']),
  });
  // Who is over is asked for again once, a moment later: the store may be a little behind.
  const over = new Set();
  every(view, () => 1, () => {
    const before = over.size;
    for (const {dataset: {id, until}, firstChild} of list.section.querySelectorAll('.left')) {
      firstChild.data = left(until);
      if (Date.parse(until) + 1500 < now()) over.add(id);
    }
    if (over.size > before) reload();
  });
  return list.section;
}

// release asks once more, in the same place. What follows at once is of a double click, or
// of a key that is held, and no answer.
function release(view, reservation, done) {
  const asks = el('span', {}, 'Release');
  const button = el('button', {type: 'button', class: 'quiet'}, asks, more(` ${reservation.id}`));
  const said = el('span', {class: 'wrong', role: 'alert'});
  const idempotencyKey = newKey();
  let asked = -Infinity;
  button.addEventListener('keydown', event => event.key === 'Enter' && event.repeat && event.preventDefault());
  button.addEventListener('click', async event => {
    if (isBusy(button) || event.detail > 1 || event.timeStamp < asked + 500) return;
    if (asks.textContent === 'Release') {
      asks.textContent = 'Release it?';
      asked = event.timeStamp;
      return;
    }
    busy(button, true);
    try {
      await view.api.reservations.release(reservation.id, {idempotencyKey});
      done();
    } catch (error) {
      fill(said, words(error, view));
      busy(button, false);
    }
  });
  button.addEventListener('blur', () => asks.textContent = 'Release');
  return [button, said];
}
