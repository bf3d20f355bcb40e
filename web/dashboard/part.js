// part.js is a section of a page that is loaded by itself, so that one that cannot be
// had leaves the others as they are.

import {el, fill, newId} from './dom.js';
import {fault} from './fault.js';

// part returns the section, a reload, and said, which tells what was done and outlives
// what is drawn. view is {gateway, signal, what}: the signal ends with the page that is
// shown, and what is what the function is called.
export function part(view, {title, name, load, draw}) {
  const id = newId();
  const heading = el('h2', {id, tabindex: -1}, title);
  const said = el('p', {class: 'said', role: 'status'});
  const body = el('div', {class: 'body'}, el('p', {class: 'waits'}, 'Loading …'));
  const section = el('section', {class: name, 'aria-labelledby': id}, heading, said, body);
  const put = make => {
    const focused = document.activeElement, held = section.contains(focused);
    fill(body, make());
    if (held && !focused.isConnected) heading.focus(); // what had the focus is gone
  };
  let latest; // of the loads: what an older one brings is past
  const reload = async () => {
    const mine = latest = {};
    const past = () => view.signal.aborted || mine !== latest;
    section.setAttribute('aria-busy', 'true');
    try {
      const loaded = await load();
      if (!past()) put(() => draw(loaded));
    } catch (error) {
      if (past()) return;
      put(() => fault(error, {...view, again: reload}));
      if (error.status === undefined) throw error; // for the console: perhaps a fault of the page itself
    } finally {
      if (mine === latest) section.removeAttribute('aria-busy');
    }
  };
  reload();
  return {section, said, reload};
}

// pages is a part that is read page by page: load gets the page's token.
export function pages(view, {load, draw, ...rest}) {
  const tokens = [''];
  const shown = part(view, {
    ...rest,
    load: () => load(tokens.at(-1)),
    draw: data => [draw(data), turner(tokens, data.nextPageToken, shown)],
  });
  return shown;
}

function turner(tokens, next, {section, reload}) {
  if (tokens.length === 1 && !next) return '';
  const turn = change => () => {
    if (section.hasAttribute('aria-busy')) return; // these are the buttons of the page before
    change();
    reload();
  };
  return el('p', {class: 'turner'},
    el('button', {type: 'button', disabled: tokens.length === 1, click: turn(() => tokens.pop())}, 'Previous'),
    ` page ${tokens.length} `,
    el('button', {type: 'button', disabled: !next, click: turn(() => tokens.push(next))}, 'Next'));
}

// every calls a function again and again, so many seconds after it was done, until the
// view ends. While nobody looks it waits.
export async function every(view, seconds, call) {
  while (!view.signal.aborted) {
    await new Promise(done => setTimeout(done, seconds() * 1000));
    if (!document.hidden && !view.signal.aborted) await call();
  }
}
