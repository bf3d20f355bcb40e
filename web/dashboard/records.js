// records.js is the part about records: the collections, and what is in one of them.

import {collectionAddress, settingsAddress, recordAddress} from './address.js';
import {el, table, empty, more, code} from './dom.js';
import {grouped, moment, span} from './format.js';
import {pages} from './part.js';
import {form, field} from './form.js';
import {filterBox} from './filter.js';
import {record} from './record.js';
import {settings} from './settings.js';

// records is the address #records, #records/COLLECTION (?filter=…, ?show=settings) or
// #records/COLLECTION/ID.
export function records(view, [collection, id], query) {
  view = {...view, what: 'The function fetch'};
  if (id !== undefined) return record(view, collection, id);
  if (collection === undefined) return {title: 'Records', content: [collections(view), newCollection()]};
  const show = query.get('show');
  return {
    title: collection,
    content: [
      el('div', {class: 'choices'},
        el('nav', {'aria-label': collection},
          el('a', {href: collectionAddress(collection), 'aria-current': show ? null : 'true'}, 'Records'),
          el('a', {href: settingsAddress(collection), 'aria-current': show ? 'true' : null}, 'Settings')),
        el('a', {class: 'back', href: '#records'}, 'All collections')),
      show ? settings(view, collection) : inside(view, collection, query.get('filter') ?? ''),
    ],
  };
}

function collections(view) {
  return pages(view, {
    title: 'Collections', name: 'sheet',
    load: pageToken => view.api.collections.list({pageSize: 50, pageToken, signal: view.signal}),
    draw: ({collections}) => collections.length ? table({
      caption: 'Collections', rows: collections,
      columns: [
        {name: 'Collection', cell: c => el('a', {href: collectionAddress(c.collection)}, c.collection)},
        {name: 'Schema', cell: c => c.schema ? 'yes' : 'none'},
        {name: 'Transform', cell: c => c.transform ? 'its own' : 'canonical'},
        {name: 'Indexes', cell: c => c.indexes ? grouped(c.indexes.length) : 'by themselves'},
        {name: 'Expiry', cell: c => c.ttlSeconds ? span(c.ttlSeconds) : 'never'},
        {name: 'Settings', cell: c => el('a', {href: settingsAddress(c.collection)},
          c.pending?.length ? 'records to be made anew' : c.version ? `version ${grouped(c.version)}` : 'none made', more(` of ${c.collection}`))},
      ],
    }) : empty('No collection yet.', ['A collection begins with its first record, ', code('POST /records/products'), ', or with its settings: name it below.']),
  }).section;
}

function newCollection() {
  return el('section', {class: 'sheet', 'aria-label': 'New collection'}, el('h2', {}, 'New collection'), form({}, {
    name: 'row', label: 'New collection', button: 'Make its settings',
    fields: [field('Name', 'collection', {required: true, maxlength: 63, pattern: '[A-Za-z0-9][\\w\\-]*', autocomplete: 'off', spellcheck: 'false',
      hint: 'Letters A-Z a-z, digits, _ and -, such as products.'})],
    submit: ({collection}) => void (location.hash = settingsAddress(collection)),
  }));
}

function inside(view, collection, filter) {
  // An address that is the page's own already would show nothing new.
  const box = filterBox(view, {filter, apply: text => text === filter ? list.reload() : location.hash = collectionAddress(collection, text)});
  const list = pages(view, {
    title: 'Records', name: 'sheet',
    load: async pageToken => {
      try {
        return await view.api.records.list(collection, {filter: filter || undefined, pageSize: 25, pageToken, signal: view.signal});
      } catch (error) {
        if (!box.explain(error)) throw error;
        return {records: [], refused: true, nextPageToken: ''};
      }
    },
    draw: ({records, refused}) => refused ? '' : records.length ? recordsTable(collection, records) : nothing(collection, filter),
  });
  list.section.querySelector('.body').before(box.form);
  return list.section;
}

// recordsTable shows the first few fields that the records of this page have.
function recordsTable(collection, records) {
  const fields = [...new Set(records.flatMap(r => Object.keys(r.transformed)))].slice(0, 6);
  return table({
    caption: `Records of ${collection}`, rows: records,
    columns: [
      {name: 'Id', cell: r => el('a', {href: recordAddress(collection, r.id)}, r.id)},
      ...fields.map(name => ({name, class: 'value', cell: r => Object.hasOwn(r.transformed, name) ? shortly(r.transformed[name]) : ''})),
      {name: 'Changed', cell: r => moment(r.updateTime)},
    ],
  });
}

function shortly(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? text.slice(0, 79) + '…' : text;
}

function nothing(collection, filter) {
  if (filter) return empty('No record is like that.', el('a', {href: collectionAddress(collection)}, 'Show all'));
  return empty('No record yet.', ['Store one: ', code(`POST /records/${collection}`), ', or a file of them: ', code(`tallystick import records ${collection} FILE`), '.']);
}
