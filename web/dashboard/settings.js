// settings.js is the editor of a collection's settings: schema, transform, indexes and
// expiry. They are tried on a document before they are saved.

import {el, fill, table, json, more, newId} from './dom.js';
import {grouped, counted} from './format.js';
import {part} from './part.js';
import {isExact, parse} from './exact.js';
import {form, field, whole, busy, isBusy} from './form.js';
import {words} from './fault.js';

const types = ['string', 'number', 'integer', 'boolean', 'time'];

// settings shows the editor, and again after each save: what is saved next has to begin
// with what is there then.
export function settings(view, collection) {
  const shown = part(view, {
    title: 'Settings', name: 'sheet',
    load: () => read(view, collection),
    draw: settings => [editor(view, settings, shown), remake(view, settings)],
  });
  return shown.section;
}

// read returns a collection's settings, also of one that is not there yet.
async function read(view, collection) {
  try {
    return await view.api.collections.get(collection, {signal: view.signal});
  } catch (error) {
    if (error.code !== 'COLLECTION_NOT_FOUND') throw error;
    return {collection, transform: '', ttlSeconds: 0, version: 0};
  }
}

function editor(view, was, {said, reload}) {
  const schema = area('Schema', 'schema', 10, was.schema ? JSON.stringify(was.schema, null, 2) : '', 'JSON Schema that a document has to keep. Empty: any object.');
  const transform = area('Transform', 'transform', 6, was.transform, 'A jq program that makes transformed, one object, of the original. Empty: the canonical form.');
  const ttl = whole('Expires after, seconds', 'ttl', {value: was.ttlSeconds, min: 0, max: 315360000, hint: 'After its last change. 0: never.'});
  const indexes = indexRows(was.indexes);
  const tried = el('div', {class: 'tried', 'aria-live': 'polite'});

  // written returns the settings as the editor has them. A schema that is no JSON is
  // said here, for the gateway never sees it.
  const written = () => {
    const text = value(schema).trim();
    return {
      schema: text ? parsed(schema, 'The schema', text) : undefined, transform: value(transform).trim() && value(transform),
      indexes: indexes.read(), ttlSeconds: Number(value(ttl)) || 0,
    };
  };

  const sample = sampleOf(view, was.collection);
  const trial = async () => {
    fill(tried);
    const {schema, transform, indexes} = written();
    const outcome = await view.api.collections.try(was.collection, {settings: {schema, transform, indexes}, data: await sample.read(), signal: view.signal});
    fill(tried, drawTrial(outcome));
  };
  const save = async () => {
    fill(tried);
    const {version} = await put(view, was, written());
    await reload();
    return `Saved as version ${grouped(version)}.`;
  };
  const made = form(view, {
    name: 'editor', label: 'Settings', said,
    fields: [
      el('div', {class: 'columns'}, el('div', {class: 'column'}, schema, transform), el('div', {class: 'column'}, indexes.element, ttl)),
      sample.element,
    ],
    other: {button: 'Try', submit: trial}, button: 'Save', submit: save,
    note: el('span', {class: 'hint'}, was.version ? ` Version ${grouped(was.version)} is in force.` : ' None were made yet.'),
    explain: error => explain(error, view),
  });
  made.append(tried);
  return made;
}

// put saves settings in the place of those that were there. A refusal because there are
// others may be of the second try, the first one's reply being lost.
async function put(view, was, now) {
  try {
    return await view.api.collections.put(was.collection, now, was.version ? {ifMatch: was.etag} : {ifNoneMatch: '*'});
  } catch (error) {
    if (error.status !== 412) throw error;
    const there = await read(view, was.collection);
    if (essence(there) !== essence(now)) throw error;
    return there;
  }
}

const essence = ({schema, transform, indexes, ttlSeconds}) => JSON.stringify([schema, transform || undefined, indexes, ttlSeconds]);

const value = field => field.querySelector('input, textarea').value;

const area = (label, name, rows, text, hint) => {
  const made = field(label, name, {kind: 'textarea', rows, spellcheck: 'false', autocapitalize: 'off', hint});
  made.querySelector('textarea').value = text;
  return made;
};

class NoJSON extends Error {}

function parsed(field, what, text) {
  const control = field.querySelector('textarea');
  if (!isExact && /\d{16}/.test(text)) throw new NoJSON(`${what} has a number of more than 15 digits, which this browser would round. Use a newer one.`);
  try {
    return parse(text);
  } catch (error) {
    control.setAttribute('aria-invalid', 'true');
    control.focus();
    throw new NoJSON(`${what} is not JSON: ${error.message}`);
  }
}

// explain says of a save that came too late what to do.
function explain(error, view) {
  if (error instanceof NoJSON) return error.message;
  if (error.status !== 412) return error.status !== undefined && words(error, {...view, what: 'The function store'});
  return 'Somebody saved other settings while you wrote yours, and yours would undo theirs: nothing was saved. Copy what you wrote, open this page again, and put it in there.';
}

// indexRows are the rows of the indexes; read returns nothing while they are left to
// themselves.
function indexRows(indexes) {
  const rows = el('div', {class: 'indexes'});
  const own = el('input', {type: 'checkbox', id: newId()});
  own.checked = Boolean(indexes);
  const add = (index = {field: '', type: 'string'}) => {
    const row = el('div', {class: 'line'},
      el('input', {'aria-label': 'Field', value: index.field, placeholder: 'price', spellcheck: 'false', autocapitalize: 'off'}),
      el('select', {'aria-label': 'Type'}, types.map(t => el('option', {selected: t === index.type}, t))),
      el('button', {type: 'button', class: 'quiet', click: () => {
        row.remove();
        another.focus();
      }}, 'Take away', more(` the index ${index.field}`)));
    rows.append(row);
    return row;
  };
  const another = el('button', {type: 'button', class: 'quiet', click: () => add().querySelector('input').focus()}, 'Add an index');
  const show = () => rows.hidden = another.hidden = !own.checked;
  own.addEventListener('change', show);
  indexes?.forEach(add);
  show();
  return {
    element: el('fieldset', {}, el('legend', {}, 'Indexes'),
      el('p', {class: 'check'}, own, el('label', {for: own.id}, 'Only these fields')),
      el('p', {class: 'hint'}, 'Otherwise the first 20 plain fields are indexed by themselves.'), rows, another),
    read: () => own.checked ? [...rows.children].map(row => ({field: row.querySelector('input').value.trim(), type: row.querySelector('select').value})).filter(i => i.field) : undefined,
  };
}

// sampleOf is what the settings are tried on: a record, or a document put in.
function sampleOf(view, collection) {
  const id = field('A record’s id', 'sample', {autocomplete: 'off', spellcheck: 'false', hint: 'Its original is tried.'});
  const pasted = area('or a document', 'document', 4, '', 'JSON, such as {"price": "9.90"}. It is tried if no id is given.');
  return {
    element: el('fieldset', {}, el('legend', {}, 'Try it on'), el('div', {class: 'columns'}, el('div', {class: 'column'}, id), el('div', {class: 'column'}, pasted))),
    read: async () => {
      const name = value(id).trim();
      if (name) return (await view.api.records.get(collection, name, {signal: view.signal})).original;
      return parsed(pasted, 'The document', value(pasted).trim() || '{}');
    },
  };
}

function drawTrial({valid, transformed, indexed, errors}) {
  if (!valid) {
    return [el('p', {class: 'wrong'}, 'It would be refused:'),
      el('ul', {}, errors.map(e => el('li', {}, e.location && el('code', {}, e.location), ' ', e.message)))];
  }
  return [
    el('p', {class: 'right'}, 'It would be stored as this. Nothing was changed.'),
    json(transformed, 'Transformed'),
    indexed?.length ? table({
      caption: 'Indexed', rows: indexed,
      columns: [{name: 'Index', cell: i => i.field}, {name: 'Type', cell: i => i.type}, {name: 'Value', cell: i => JSON.stringify(i.value)}],
    }) : el('p', {class: 'hint'}, 'No field of it is indexed.'),
  ];
}

// remake makes records anew that other settings made. Without it filters on new indexes
// are refused.
function remake(view, {collection, version, pending}) {
  if (!version) return '';
  const said = el('p', {role: 'status'});
  const button = el('button', {type: 'button', class: 'quiet', click: async () => {
    if (isBusy(button)) return;
    busy(button, true);
    try {
      await remakeAll(view, collection, text => said.textContent = text);
    } catch (error) {
      if (view.signal.aborted) return;
      fill(said, words(error, {...view, what: 'The function store'}));
    } finally {
      busy(button, false);
    }
  }}, 'Make them anew');
  const why = pending?.length ? 'Some records are still as other settings made them, and filters on new indexes are refused until they are made anew. '
    : 'What was stored before a change stays as it is until it is made anew. ';
  return el('div', {class: pending?.length ? 'note' : 'hint'}, el('p', {}, why, button), said);
}

async function remakeAll(view, collection, say) {
  let made = 0, failed = 0, pageToken;
  do {
    const reply = await view.api.collections.retransform(collection, {pageToken, signal: view.signal});
    made += reply.count;
    failed += reply.failed?.length ?? 0;
    pageToken = reply.nextPageToken;
    say(`${counted(made, 'record')} made anew${failed ? `; ${grouped(failed)} cannot be, and stay as they are` : ''}${pageToken ? ' …' : '.'}`);
  } while (pageToken);
}
