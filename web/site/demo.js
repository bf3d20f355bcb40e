// demo.js draws what count.js does not: the tally, the badge and the last 30 days.
// It draws the days as they are, and all of it again once this visit is counted.

const $ = id => document.getElementById(id);
const grouped = n => n.toLocaleString('en');

function svg(name, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// The tally: groups of five strokes, as many as fit, the last of them the newest visit.
// Each stroke leans a little, always the same way for the same visit.

const pitch = 9, over = 7, gap = 14, group = 3 * pitch + 2 * over + gap, top = 17, bottom = 53;

function lean(n) {
  return ((n * 2654435761) >>> 16) % 100 / 100 - .5;
}

function stroke(n, x) {
  const i = (n - 1) % 5, wobble = lean(n) * 3;
  if (i < 4) return `M${x + i * pitch + wobble} ${top + lean(n + 7) * 3}L${x + i * pitch - wobble} ${bottom + lean(n + 3) * 3}`;
  return `M${x - over} ${bottom - 9 + wobble}L${x + 3 * pitch + over} ${top + 9 - wobble}`;
}

function drawTally(carve) {
  const last = shown();
  const width = $('stick').clientWidth, height = $('stick').clientHeight;
  const groups = Math.floor((width - 4 + gap) / group);
  const first = Math.max(0, Math.ceil(last / 5) - groups) * 5 + 1;
  const strokes = [];
  for (let n = first; n <= last; n++) {
    const at = Math.floor((n - first) / 5);
    const path = svg('path', {d: stroke(n, 2 + over + at * group), pathLength: 1});
    // What came before the first group is left off: the strokes fade in.
    if (first > 1 && at < 3) path.setAttribute('opacity', (at + 1) / 4);
    if (n === last && yours) path.setAttribute('class', carve ? 'yours carved' : 'yours');
    strokes.push(path);
  }
  $('stick').setAttribute('viewBox', `0 0 ${width} ${height}`);
  $('stick').replaceChildren(...strokes);
}

// The chart.

let days = [], selected = -1;

function ticks(most) {
  const size = 10 ** Math.floor(Math.log10(Math.max(most, 4) / 4));
  const step = [1, 2, 2.5, 5, 10].map(f => f * size).find(s => Number.isInteger(s) && s * 4 >= most);
  return [1, 2, 3, 4].map(i => i * step);
}

function name(day, options) {
  return new Date(day + 'T00:00:00Z').toLocaleDateString('en-GB', {timeZone: 'UTC', ...options});
}

const short = n => n.toLocaleString('en', {notation: 'compact', maximumFractionDigits: 1}).replace('K', 'k');

function drawDays() {
  const plot = $('plot'), width = plot.clientWidth, height = plot.clientHeight;
  if (!width) return;
  const most = Math.max(0, ...days.map(d => d.visits));
  const lines = most ? ticks(most) : ticks(4);
  const left = 14 + 7 * Math.max(...lines.map(n => short(n).length)), base = height - 28;
  const y = n => base - (base - 12) * n / lines.at(-1);
  // A day with a visit in it never looks like one without.
  const bar = n => n && Math.max(2, base - y(n));
  const slot = (width - left) / (days.length || 30), wide = Math.max(3, Math.min(22, slot * .68));
  const every = width < 500 ? 10 : 5;

  const drawing = svg('svg', {viewBox: `0 0 ${width} ${height}`, 'aria-hidden': true});
  for (const n of lines) {
    drawing.append(svg('line', {x1: left, x2: width, y1: y(n), y2: y(n)}));
    if (most) drawing.append(svg('text', {x: left - 10, y: y(n) + 4, 'text-anchor': 'end'}, short(n)));
  }
  days.forEach((d, i) => {
    const x = left + i * slot + (slot - wide) / 2, radius = Math.min(2, wide / 4);
    const column = (kind, n) => svg('rect', {class: kind, x, width: wide, y: base - bar(n), height: bar(n), rx: radius});
    const hit = svg('rect', {class: 'hit', x: left + i * slot, width: slot, y: 0, height: base});
    drawing.append(svg('g', {}, hit, column('visits', d.visits), column('uniques', d.uniques)));
    const back = days.length - 1 - i;
    if (back % every === 0 && (back === 0 || back * slot > 60)) {
      const last = back === 0;
      drawing.append(svg('text', {x: last ? width : left + (i + .5) * slot, y: height - 6, 'text-anchor': last ? 'end' : 'middle'},
        last ? 'today' : name(d.day, {day: 'numeric', month: 'short'})));
    }
  });
  drawing.append(svg('line', {class: 'base', x1: left, x2: width, y1: base, y2: base}));
  plot.replaceChildren(drawing);

  if (days.length && !most) say('No visit yet. The first one is drawn here.');
  select(selected);
}

function say(text) {
  const words = document.createElement('p');
  words.className = 'say';
  words.textContent = text;
  $('plot').append(words);
}

function select(i) {
  selected = i;
  document.querySelectorAll('#plot g').forEach((g, j) => g.classList.toggle('on', i === j));
  if (!days.length) return;
  const at = days[i] ? i : days.length - 1, d = days[at];
  const text = `${name(d.day, {weekday: 'short', day: 'numeric', month: 'short'})}: ${grouped(d.visits)} visit${d.visits === 1 ? '' : 's'}, ${grouped(d.uniques)} unique`;
  $('day').textContent = text;
  $('plot').ariaValueNow = at + 1;
  $('plot').ariaValueMax = days.length;
  $('plot').ariaValueText = text;
}

function pointAt(event) {
  const slots = [...document.querySelectorAll('#plot .hit')];
  const x = event.clientX;
  select(slots.findIndex(s => x >= s.getBoundingClientRect().left && x < s.getBoundingClientRect().right));
}

$('plot').addEventListener('pointermove', pointAt);
$('plot').addEventListener('pointerdown', pointAt);
$('plot').addEventListener('pointerleave', () => select(-1));
$('plot').addEventListener('blur', () => select(-1));
$('plot').addEventListener('keydown', event => {
  const at = selected < 0 ? days.length - 1 : selected;
  const to = {ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: days.length - 1}[event.key];
  if (to === undefined || !days.length) return;
  event.preventDefault();
  select(Math.min(days.length - 1, Math.max(0, to)));
});

function describeDays() {
  const sum = days.reduce((all, d) => all + d.visits, 0);
  const top = days.reduce((best, d) => d.visits > best.visits ? d : best);
  const busiest = sum ? `, most on ${name(top.day, {day: 'numeric', month: 'long'})}: ${grouped(top.visits)}` : '';
  $('plot').ariaLabel = `Visits a day in the last 30 days: ${grouped(sum)} in all${busiest}`;
  $('today').textContent = grouped(days.at(-1).visits);
  $('table').replaceChildren(...days.toReversed().map(d => {
    const row = document.createElement('tr');
    const head = document.createElement('th');
    head.scope = 'row';
    head.textContent = name(d.day, {weekday: 'short', day: 'numeric', month: 'long'});
    row.append(head);
    for (const n of [d.visits, d.uniques]) row.insertCell().textContent = grouped(n);
    return row;
  }));
}

let asked = 0;

async function loadDays() {
  const mine = ++asked;
  try {
    const reply = await fetch('/demo/history', {cache: 'no-store'});
    const history = reply.ok && await reply.json();
    if (mine !== asked) return;
    if (!history.days?.length) throw new Error('no days');
    days = history.days;
    describeDays();
    drawDays();
  } catch {
    if (mine === asked && !days.length) down();
  }
}

function down() {
  const again = document.createElement('a');
  again.href = '/';
  again.textContent = 'Try again';
  $('note').replaceChildren('The counter does not answer just now. A page that uses it looks as it always does, and so does this one. ', again);
  $('lead').textContent = 'This page counts its visits';
  $('plot').ariaValueText = 'not to be had just now';
  say('The days come back with the counter.');
}

// Opting out. count.js has kept the wish by the time that the fragment has changed.

function optedOut() {
  try {
    return localStorage.tallystick === 'out';
  } catch {
    return false;
  }
}

function showOptOut() {
  const out = optedOut();
  $('counted').textContent = out ? 'This browser is not counted.' : 'Reading your own site a lot?';
  $('opt').textContent = out ? 'Count it again' : 'Do not count this browser';
  $('opt').href = out ? '#tallystick-optin' : '#tallystick-optout';
}

addEventListener('hashchange', showOptOut);
addEventListener('DOMContentLoaded', showOptOut);

// This visit, once it is counted.

let yours = false;

function shown() {
  return Number($('number').textContent.replaceAll(',', ''));
}

function visitShown() {
  const visits = shown();
  yours = !optedOut();
  $('lead').textContent = yours ? 'You are visit number' : 'Visits to this page';
  $('number').classList.toggle('long', visits >= 1e6);
  drawTally(true);
  const word = document.createElement('span');
  word.className = 'yours-word';
  word.textContent = 'red';
  $('note').replaceChildren(...yours ? ['The ', word, ' stroke is yours.'] : ['Each stroke is a visit.']);
  $('badge').src = '/visits/badge.svg?page=/';
  $('badge').alt = `visits: ${grouped(visits)}`;
  loadDays();
}

new MutationObserver((_, observer) => {
  observer.disconnect();
  visitShown();
}).observe($('number'), {childList: true});

// The lines to paste.

for (const place of document.querySelectorAll('[data-origin]')) place.textContent = location.origin;
$('local').hidden = !/^(localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname);

async function copy(button) {
  const code = button.parentElement.querySelector('code'), label = button.firstElementChild;
  getSelection().selectAllChildren(code);
  try {
    await navigator.clipboard.writeText(code.textContent);
    getSelection().removeAllRanges();
    label.textContent = 'Copied';
  } catch {
    label.textContent = 'Selected'; // over plain http the reader's own keys must copy it
  }
  setTimeout(() => label.textContent = 'Copy', 2000);
}

for (const button of document.querySelectorAll('.copy')) button.addEventListener('click', () => copy(button));

new ResizeObserver(() => {
  if (days.length) drawDays();
  if (shown()) drawTally(false);
}).observe($('plot'));

drawDays();
loadDays();
