// item.js is the page of one item of stock: what there is of it, how it became so, and
// the forms that change it.

import {el, fill, table, asTable, facts, empty} from './dom.js';
import {grouped, signed, counted, moment} from './format.js';
import {part} from './part.js';
import {chart} from './chart.js';
import {form, field, whole, whatIs} from './form.js';
import {held} from './held.js';

export function item(view, sku) {
  // A form is made anew when it was saved, and with it those that nobody has begun. Others
  // stay as they are: what they expect is what was there when they were begun.
  const forms = el('div', {class: 'columns forms'}), saved = new Set();
  const drawForms = i => [countForm, adjustForm, settingsForm].forEach((make, at) => {
    const old = forms.children[at], isBegun = old && [...old.querySelectorAll('input')].some(c => c.value !== c.defaultValue);
    if (old && !saved.has(at) && (isBegun || !saved.size)) return;
    const form = make(view, i, {said: now.said, changed: () => changed(at)});
    old ? old.replaceWith(form) : forms.append(form);
  });
  const now = part(view, {title: 'Now', name: 'sheet', load: () => find(view, sku), draw: i => {
    i ? drawForms(i) : fill(forms);
    saved.clear();
    return i ? drawItem(i) : empty(`There is no item ${sku}.`, 'Count it on the page of all items, and there is.');
  }});
  now.section.append(forms);
  const ledger = part(view, {
    title: 'Movements', name: 'sheet',
    load: () => movementsOf(view, sku),
    draw: page => drawMovements(view, page),
  });
  const changed = at => {
    saved.add(at);
    return Promise.all([now.reload(), ledger.reload()]);
  };
  return {
    title: sku,
    content: [el('p', {class: 'choices'}, el('a', {class: 'back', href: '#stock'}, 'All items')), now.section, ledger.section, held(view, sku, now.reload)],
  };
}

// find looks through the list of all items: what is asked of one item alone, for anyone,
// has no settings.
async function find(view, sku) {
  for (let pageToken = ''; ;) {
    const page = await view.api.stock.items({pageSize: 1000, pageToken, signal: view.signal});
    const found = page.items.find(i => i.sku === sku);
    pageToken = page.nextPageToken;
    if (found || !pageToken) return found;
  }
}

// movementsOf returns the latest movements: none of an item that there is not.
async function movementsOf(view, sku) {
  try {
    return await view.api.stock.movements(sku, {pageSize: 200, signal: view.signal});
  } catch (error) {
    if (error.code !== 'ITEM_NOT_FOUND') throw error;
    return {movements: []};
  }
}

function drawItem(i) {
  return facts([
    ['available', [grouped(i.available), ' ', i.low && el('small', {class: 'badge low'}, `low: ${grouped(i.lowStockThreshold)} or fewer`)]],
    ['on hand', grouped(i.onHand)],
    ['reserved', grouped(i.reserved)],
  ], 'sums');
}

const reason = () => field('Reason', 'reason', {maxlength: 100, autocomplete: 'off'});

// countForm expects what is on hand as it was shown: who counted while somebody took
// one would put it back.
function countForm(view, i, {said, changed}) {
  return el('div', {class: 'column'}, el('h3', {}, 'Count'), form(view, {
    label: 'Count', said, button: 'Save the count',
    fields: [
      whole('Counted on the shelf', 'quantity', {required: true, min: 0, hint: `${grouped(i.onHand)} should be there. If it moves before you save, nothing is changed.`}),
      reason(),
    ],
    submit: async ({quantity, reason}, idempotencyKey) => {
      const {onHand} = await view.api.stock.count(i.sku, {quantity: Number(quantity), expected: i.onHand, reason, idempotencyKey});
      await changed();
      return `Counted: ${grouped(onHand)} on hand.`;
    },
    explain: error => error.code === 'STALE_COUNT' && [`It moved while you counted: it was ${grouped(i.onHand)}, and is ${grouped(error.errors[0].value)} now. Nothing was changed. `,
      showNow(changed), ' and count again.'],
  }));
}

const showNow = changed => el('button', {type: 'button', class: 'quiet', click: changed}, 'Show it as it is');

function adjustForm(view, i, {said, changed}) {
  return el('div', {class: 'column'}, el('h3', {}, 'Adjust'), form(view, {
    label: 'Adjust', said, button: 'Adjust',
    fields: [
      // As text: a field for numbers drops a minus of another kind than its own, and a
      // phone's digits may have none.
      field('More, or fewer', 'delta', {
        required: true, pattern: '\\s*[+\\-−]?\\d+\\s*', title: 'A whole number, such as 24 or -1', autocomplete: 'off',
        hint: 'Such as 24 for a crate that came, -1 for one that broke.',
      }),
      reason(),
    ],
    submit: async ({delta, reason}, idempotencyKey) => {
      const {onHand} = await view.api.stock.adjust(i.sku, {delta: Number(delta.replace('−', '-')), reason, idempotencyKey});
      await changed();
      return `Adjusted: ${grouped(onHand)} on hand.`;
    },
  }));
}

function settingsForm(view, i, {said, changed}) {
  return el('div', {class: 'column'}, el('h3', {}, 'Settings'), form(view, {
    label: 'Settings', said, button: 'Save the settings',
    fields: [
      whole('Low at', 'lowStockThreshold', {value: i.lowStockThreshold ?? '', hint: 'An alert is made when no more than so many are available. Empty: never.'}),
      whole('May be oversold by', 'oversellLimit', {value: i.oversellLimit, min: 0, required: true, hint: 'So many may be reserved that are not there. 0: none.'}),
    ],
    submit: async ({lowStockThreshold, oversellLimit}, idempotencyKey) => {
      await view.api.stock.configure(i.sku, {
        lowStockThreshold: whatIs(lowStockThreshold) ?? null, oversellLimit: Number(oversellLimit),
        expected: {lowStockThreshold: i.lowStockThreshold, oversellLimit: i.oversellLimit}, idempotencyKey,
      });
      await changed();
      return 'The settings are saved.';
    },
    explain: error => error.code === 'STALE_SETTINGS' && ['Somebody saved other settings meanwhile, and yours would undo theirs: nothing was changed. ',
      showNow(changed), ' and decide again.'],
  }));
}

function drawMovements(view, {movements, nextPageToken}) {
  if (!movements.length) return empty('It has not moved yet.', 'Count it or adjust it, and its movements are here.');
  const old = movements.toReversed();
  const words = m => `${new Date(m.time).toLocaleString('en-GB', {dateStyle: 'medium', timeStyle: 'short'})}: ${m.type}, ${signed(m.delta)}, ${grouped(m.onHand)} on hand`;
  // It stays as the last movement left it, until now.
  const now = Math.max(Date.now(), Date.parse(old.at(-1).time) + 1) / 1000;
  return [
    chart(view, {
      label: `On hand after each of ${counted(old.length, 'movement')}`,
      x: [...old.map(m => Date.parse(m.time) / 1000), now], say: i => i < old.length ? words(old[i]) : `Now: ${grouped(old.at(-1).onHand)} on hand`,
      series: [{name: 'uniques', label: 'on hand', color: '--green', step: true, values: [...old, old.at(-1)].map(m => m.onHand)}],
    }),
    nextPageToken && el('p', {class: 'note'}, `These are the last ${counted(movements.length, 'movement')}; there are older ones.`),
    asTable(() => movementsTable(movements)),
  ];
}

function movementsTable(movements) {
  return table({
    caption: 'Movements, the latest first', rows: movements,
    columns: [
      {name: 'No.', number: true, cell: m => grouped(m.number)},
      {name: 'When', cell: m => moment(m.time)},
      {name: 'What', cell: m => m.type},
      {name: 'Change', number: true, cell: m => signed(m.delta)},
      {name: 'On hand', number: true, cell: m => grouped(m.onHand)},
      {name: 'Why', cell: m => [m.reason, m.reference].filter(Boolean).join(' · ')},
      {name: 'By', cell: m => m.who},
    ],
  });
}
