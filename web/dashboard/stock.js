// stock.js is the part about stock: all items, what became low, and what is held.

import {itemAddress} from './address.js';
import {el, table, empty, code} from './dom.js';
import {grouped, moment} from './format.js';
import {pages} from './part.js';
import {form, field, whole} from './form.js';
import {held} from './held.js';
import {item} from './item.js';

// stock is the address #stock, or #stock/SKU.
export function stock(view, [sku]) {
  view = {...view, what: 'The function stock'};
  return sku ? item(view, sku) : {title: 'Stock', content: [items(view), alerts(view), held(view), newItem(view)]};
}

function items(view) {
  return pages(view, {
    title: 'Items', name: 'sheet',
    load: pageToken => view.api.stock.items({pageSize: 50, pageToken, signal: view.signal}),
    draw: ({items}) => items.length ? table({
      caption: 'Items', rows: items, mark: i => i.low && 'low',
      columns: [
        {name: 'Item', cell: i => el('a', {href: itemAddress(i.sku)}, i.sku)},
        {name: 'Available', number: true, cell: i => el('strong', {}, grouped(i.available))},
        {name: 'On hand', number: true, cell: i => grouped(i.onHand)},
        {name: 'Reserved', number: true, cell: i => grouped(i.reserved)},
        {name: 'State', cell: i => i.low ? el('span', {class: 'badge low'}, `low: ${grouped(i.lowStockThreshold)} or fewer`) : ''},
        {name: 'Changed', cell: i => moment(i.updateTime)},
      ],
    }) : empty('No item yet.', 'Count the first one below: an item begins with its first count.'),
  }).section;
}

function alerts(view) {
  return pages(view, {
    title: 'Low-stock alerts', name: 'sheet',
    load: pageToken => view.api.stock.alerts({pageSize: 10, pageToken, signal: view.signal}),
    draw: ({alerts}) => alerts.length ? table({
      caption: 'Low-stock alerts', rows: alerts,
      columns: [
        {name: 'Item', cell: a => el('a', {href: itemAddress(a.sku)}, a.sku)},
        {name: 'Available then', number: true, cell: a => grouped(a.available)},
        {name: 'Threshold', number: true, cell: a => grouped(a.threshold)},
        {name: 'When', cell: a => moment(a.time)},
      ],
    }) : empty('Nothing became low in the last 90 days.', 'Give an item a threshold, on its page, to be told.'),
  }).section;
}

function newItem(view) {
  return el('section', {class: 'sheet', 'aria-label': 'New item'}, el('h2', {}, 'New item'), form(view, {
    name: 'row', label: 'New item', button: 'Count it',
    fields: [
      field('Item (SKU)', 'sku', {required: true, maxlength: 64, autocomplete: 'off', spellcheck: 'false'}),
      whole('On hand', 'quantity', {required: true, min: 0}),
    ],
    // Expecting none, so that a count of an item that is there already is refused.
    submit: async ({sku, quantity}, idempotencyKey) => {
      await view.api.stock.count(sku, {quantity: Number(quantity), expected: 0, reason: 'first count', idempotencyKey});
      if (!view.signal.aborted) location.hash = itemAddress(sku);
    },
    explain: error => error.code === 'STALE_COUNT' && ['There is such an item already. Open it in the list above, or by ', code('#stock/SKU'), '.'],
  }));
}
