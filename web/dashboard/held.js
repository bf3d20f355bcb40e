// held.js lists the reservations that are held now, of one item or of all.

import {itemAddress} from './address.js';
import {el, fill, table, empty, more, code} from './dom.js';
import {grouped, left, moment} from './format.js';
import {pages, every} from './part.js';
import {busy, isBusy} from './form.js';
import {words} from './fault.js';

// held lists them, next to expire first. changed is called when one was let go.
export function held(view, sku, changed) {
  const list = pages(view, {
    title: 'Held now', name: 'sheet',
    load: pageToken => view.api.reservations.list({sku, pageSize: 20, pageToken, signal: view.signal}),
    draw: ({reservations}) => reservations.length ? table({
      caption: 'Reservations that are held', rows: reservations,
      columns: [
        {name: 'Of', cell: r => r.lines.map((l, i) => [i ? ', ' : '', `${grouped(l.quantity)} × `, el('a', {href: itemAddress(l.sku)}, l.sku)])},
        {name: 'Time left', class: 'nowrap', cell: r => el('span', {class: 'left', 'data-until': r.expireTime}, left(r.expireTime))},
        {name: 'Reference', cell: r => r.reference ?? ''},
        {name: 'By', cell: r => r.who},
        {name: 'Since', cell: r => moment(r.createTime)},
        {name: 'Reservation', cell: r => code(r.id)},
        {name: 'Let go', cell: r => release(view, r, () => {
          list.reload();
          changed?.();
        })},
      ],
    }) : empty(sku ? 'None of it is held.' : 'Nothing is held.', ['A shop holds what is in a basket: ', code('POST /reservations'), '. It comes back by itself when its time is over.']),
  });
  every(view, () => 1, () => {
    for (const span of list.section.querySelectorAll('.left')) span.textContent = left(span.dataset.until);
  });
  return list.section;
}

// release asks once more, in the same place.
function release(view, reservation, done) {
  const asks = el('span', {}, 'Release');
  const button = el('button', {type: 'button', class: 'quiet'}, asks, more(` ${reservation.id}`));
  const said = el('span', {class: 'wrong', role: 'alert'});
  button.addEventListener('click', async () => {
    if (isBusy(button)) return;
    if (asks.textContent === 'Release') {
      asks.textContent = 'Release it?';
      return;
    }
    busy(button, true);
    try {
      await view.api.reservations.release(reservation.id);
      done();
    } catch (error) {
      if (error.status === undefined) throw error;
      fill(said, words(error, view));
      busy(button, false);
    }
  });
  button.addEventListener('blur', () => asks.textContent = 'Release');
  return [button, said];
}
