// dom.js makes elements. Whatever comes from the gateway goes in as text: no HTML is
// made of strings anywhere in the dashboard.

export function el(name, props = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...content(children));
  return element;
}

const content = children => children.flat(Infinity).filter(child => child !== undefined && child !== null && child !== false);

// fill puts content where other content was.
export const fill = (element, ...children) => element.replaceChildren(...content(children));

let ids = 0;

// newId is an id that no other element has, for labels and descriptions.
export const newId = () => `e${++ids}`;

// table has one function for each column that makes the cell of a row. What is too wide
// for the screen is scrolled within the table, by keys too.
export function table({caption, columns, rows, mark}) {
  const head = el('tr', {}, columns.map(c => el('th', {scope: 'col', class: c.number && 'number'}, c.name)));
  const body = rows.map(row => el('tr', {class: mark?.(row)}, columns.map((c, i) =>
    el(i === 0 ? 'th' : 'td', {scope: i === 0 ? 'row' : null, class: c.number ? 'number' : c.class}, c.cell(row)))));
  return el('div', {class: 'scroll', role: 'region', tabindex: 0, 'aria-label': caption},
    el('table', {}, el('caption', {class: 'hidden'}, caption), el('thead', {}, head), el('tbody', {}, body)));
}

// asTable makes the table when somebody wants it: it may have 365 rows.
export function asTable(make) {
  const details = el('details', {toggle: () => details.children.length > 1 || details.append(make())}, el('summary', {}, 'The same as a table'));
  return details;
}

// facts is a list of terms with what they are.
export function facts(pairs, name = 'facts') {
  return el('dl', {class: name}, pairs.map(([term, what]) => el('div', {}, el('dt', {}, term), el('dd', {}, what))));
}

// json shows a document as it is.
export function json(value, label) {
  return el('pre', {class: 'json', tabindex: 0, role: 'region', 'aria-label': label}, JSON.stringify(value, null, 2));
}

// empty says that there is nothing, and what to do next.
export function empty(title, ...hints) {
  return el('div', {class: 'empty'}, el('p', {class: 'lead'}, title), hints.map(hint => el('p', {}, hint)));
}

// more is for who hears a name without what is around it.
export const more = text => el('span', {class: 'hidden'}, text);

export const code = text => el('code', {}, text);
