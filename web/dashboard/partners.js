// partners.js is the part about partners: their keys, what they told, and deliveries.

import {partnerAddress} from './address.js';
import {el, fill, table, facts, json, empty, more, code} from './dom.js';
import {counted, moment} from './format.js';
import {part, pages} from './part.js';
import {field, form} from './form.js';

// partners is the address #partners, or #partners/ID.
export function partners(view, [id]) {
  view = {...view, what: 'The function update'};
  if (id) {
    return {title: id, content: [el('p', {class: 'choices'}, el('a', {class: 'back', href: '#partners'}, 'All partners')), updates(view, id), refusals()]};
  }
  return {title: 'Partners', content: [list(view), delivery(view), refusals()]};
}

function list(view) {
  return part(view, {
    title: 'Partners', name: 'sheet',
    load: () => view.api.partners.list({signal: view.signal}),
    draw: ({partners}) => partners.length ? partners.map(drawPartner)
      : empty('There is no partner.', ['A warehouse that tells of its stock by itself is one: ', code('tallystick partner add acme'), ' makes its key, and ', code('PARTNERS=partners'), ' lets it in.']),
  }).section;
}

function drawPartner(p) {
  return el('article', {class: 'partner', 'aria-label': p.id},
    el('h3', {}, el('a', {href: partnerAddress(p.id)}, p.id)),
    facts([
      ['may tell', listed(p.types, 'anything')],
      ['of items', listed(p.skus, 'all')],
      ['keys', p.keys.length ? p.keys.map(drawKey) : 'none'],
      ...p.legacy ? [['old scheme', 'still accepted']] : [],
    ]),
    p.hints.length ? el('ul', {class: 'hints'}, p.hints.map(hint => el('li', {}, hint))) : el('p', {class: 'right'}, 'Its keys are as they should be.'));
}

// listed is what a partner may do, where a star is all of it.
const listed = (names, all) => !names.length ? 'none' : names.includes('*') ? all : names.join(', ');

function drawKey(key) {
  return el('span', {class: 'key-state'}, key.active ? 'active' : 'not active', key.createTime && [', since ', moment(key.createTime)], key.notAfter && [', until ', moment(key.notAfter)]);
}

function updates(view, id) {
  return pages(view, {
    title: 'Accepted updates', name: 'sheet',
    load: pageToken => view.api.partners.updates(id, {pageSize: 20, pageToken, signal: view.signal}),
    draw: ({updates}) => updates.length ? table({
      caption: `Updates of ${id}, the latest first`, rows: updates,
      columns: [
        {name: 'Update', cell: u => code(u.id)},
        {name: 'Type', cell: u => u.type ?? ''},
        {name: 'Signed by', cell: u => u.scheme},
        {name: 'Received', cell: u => moment(u.receivedTime)},
        {name: 'What it said', cell: u => el('details', {}, el('summary', {}, 'Body', more(` of ${u.id}`)), json(u.body, `Body of ${u.id}`))},
      ],
    }) : empty('It has told nothing yet that was accepted.', ['To see whether its signature is right: ', code('tallystick sign'), ' makes a request as it has to be.']),
  }).section;
}

function refusals() {
  return el('section', {class: 'aside', 'aria-label': 'Refused updates'},
    el('p', {}, el('strong', {}, 'Refused updates are not here. '), 'Whoever sends without a right signature would fill the store, so a refusal is only a line in the log, with its reason: serve writes it to stderr, and Cloud Functions to Cloud Logging (',
      code('resource.labels.service_name="update"'), '). The partner is told the reason in the reply.'));
}

function delivery(view) {
  const found = el('div', {class: 'found'});
  return el('section', {class: 'sheet', 'aria-label': 'Deliveries'}, el('h2', {}, 'Find a delivery'), form(view, {
    name: 'row', label: 'Find a delivery', button: 'Find',
    fields: [field('Delivery', 'id', {required: true, maxlength: 64, autocomplete: 'off', spellcheck: 'false', hint: 'By the number that the partner gave it.'})],
    submit: async ({id}) => {
      fill(found);
      const d = await view.api.deliveries.read(id, {signal: view.signal});
      fill(found, drawDelivery(d));
      return `${d.id}: ${d.status}, after ${counted(d.events.length, 'event')}.`;
    },
    explain: error => error.status === 404 && 'No partner has told of such a delivery.',
  }), found);
}

function drawDelivery(d) {
  return [
    facts([['status', d.status], ['order', d.order ?? 'none named'], ['partner', el('a', {href: partnerAddress(d.partner)}, d.partner)], ['last event', moment(d.updateTime)]]),
    table({
      caption: `Events of ${d.id}`, rows: d.events,
      columns: [
        {name: 'Status', cell: e => e.status},
        {name: 'Note', cell: e => e.note ?? ''},
        {name: 'Happened', cell: e => moment(e.time)},
        {name: 'Came', cell: e => moment(e.receivedTime)},
        {name: 'By the update', cell: e => code(e.update)},
      ],
    }),
  ];
}
