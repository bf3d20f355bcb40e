// record.js is the page of one record: what was stored, what was made of it, and what it
// was before.

import {collectionAddress} from './address.js';
import {el, facts, json, empty} from './dom.js';
import {isExact} from './exact.js';
import {grouped, moment} from './format.js';
import {part, pages} from './part.js';

export function record(view, collection, id) {
  return {
    title: id,
    content: [
      el('p', {class: 'choices'}, el('a', {class: 'back', href: collectionAddress(collection)}, `All of ${collection}`)),
      part(view, {title: 'Now', name: 'sheet', load: () => view.api.records.get(collection, id, {signal: view.signal}), draw: drawRecord}).section,
      pages(view, {
        title: 'Before', name: 'sheet',
        load: pageToken => view.api.records.revisions(collection, id, {pageSize: 10, pageToken, signal: view.signal}),
        draw: ({records}) => records.length ? records.map(drawRevision)
          : empty('It is as it was stored first.', 'Each change keeps what was before, and it is here.'),
      }).section,
    ],
  };
}

function drawRecord(r) {
  return [
    facts([
      ['version', grouped(r.version)],
      ['stored', moment(r.createTime)],
      ['changed', moment(r.updateTime)],
      ...r.expireTime ? [['expires', moment(r.expireTime)]] : [],
    ]),
    sides(r),
  ];
}

// sides are the original and the transformed beside each other.
function sides({original, transformed}) {
  return el('div', {class: 'sides'},
    el('div', {}, el('h3', {}, 'Original'), json(original, 'Original'), !isExact && el('p', {class: 'hint'}, 'This browser rounds numbers of more than 15 digits.')),
    el('div', {}, el('h3', {}, 'Transformed'), json(transformed, 'Transformed')));
}

function drawRevision(r) {
  return el('details', {}, el('summary', {}, `Version ${grouped(r.version)}, `, moment(r.updateTime)), sides(r));
}
