// app.js is the frame: who is signed in, which page is shown, and where the focus goes.

import {parse} from './address.js';
import {el, fill} from './dom.js';
import {kept, client, signOut} from './session.js';
import {signInPage} from './signin.js';
import {visits} from './visits.js';
import {stock} from './stock.js';
import {records} from './records.js';
import {partners} from './partners.js';

const parts = {visits, stock, records, partners};
const $ = id => document.getElementById(id);

let leave = new AbortController(); // of the page that is shown

function show(moved) {
  leave.abort();
  leave = new AbortController();
  const who = kept();
  const {name, rest, query} = parse(location.hash);
  const part = Object.hasOwn(parts, name) ? parts[name] : visits;
  const page = who ? part({api: client(who), gateway: who.gateway, signal: leave.signal}, rest, query) : signInPage(() => show(true));

  document.title = `${page.title} · Tallystick`;
  $('parts').hidden = $('session').hidden = !who;
  $('gateway').textContent = who ? new URL(who.gateway).host : '';
  for (const link of $('parts').children) {
    const here = link.hash === '#' + (Object.hasOwn(parts, name) ? name : 'visits');
    here ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
  }
  const heading = el('h1', {tabindex: -1}, page.title);
  fill($('main'), heading, page.content);
  if (!moved) return;
  scrollTo(0, 0);
  (page.focus ?? heading).focus();
}

addEventListener('hashchange', () => show(true));
document.querySelector('.skip').addEventListener('click', event => {
  event.preventDefault(); // the address behind the # is a page's
  $('main').focus();
});
$('leave').addEventListener('click', () => {
  signOut();
  show(true);
});
show(false);
