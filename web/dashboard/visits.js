// visits.js is the part about visits: of all pages, or of one of them.

import {visitsAddress} from './address.js';
import {el, table, asTable, facts, empty, code} from './dom.js';
import {grouped, counted, daysBack, today, dayName, pageName} from './format.js';
import {part, every} from './part.js';
import {chart} from './chart.js';

const periods = [[1, 'Today'], [7, '7 days'], [30, '30 days'], [365, '365 days']];

// visits is the address #visits?days=30&page=/about.
export function visits(view, _, query) {
  const days = periods.find(([n]) => n === Number(query.get('days')))?.[0] ?? 30;
  const page = query.get('page') ?? '';
  const load = () => view.api.visits.summary({from: daysBack(days - 1), to: today(), page: page || undefined, signal: view.signal});
  return {
    title: page ? `Visits of ${pageName(page)}` : 'Visits',
    content: [
      el('div', {class: 'choices'},
        el('nav', {'aria-label': 'Period'}, periods.map(([n, name]) =>
          el('a', {href: visitsAddress(n, page), 'aria-current': n === days ? 'true' : null}, name))),
        page && el('a', {class: 'back', href: visitsAddress(days)}, 'All pages')),
      part({...view, what: 'The function visits'}, {title: days === 1 ? 'Today' : `The last ${days} days`, name: 'sheet', load, draw: s => drawSummary(view, s, days, page)}).section,
      kept(),
    ],
  };
}

function drawSummary(view, s, days, page) {
  if (!s.visits && !s.before.visits && !s.pages.length) return [live(view, s, page), noVisits(page)];
  return [
    facts([
      ['visits', [grouped(s.visits), change(s.visits, s.before.visits, days)]],
      ['unique visitors', [grouped(s.uniques), change(s.uniques, s.before.uniques, days)]],
      ['live', live(view, s, page)],
    ], 'sums'),
    !s.complete && el('p', {class: 'note'}, `There are more than ${grouped(s.pagesRead)} pages. These sums are of the ${grouped(s.pagesRead)} that have had most visits of all; the rest is not in them. `,
      'Choose a page for its own numbers, which are complete.'),
    days > 1 ? drawDays(view, s) : el('p', {class: 'note'}, 'Visits are kept by day, so a day has no chart. ', el('a', {href: visitsAddress(7, page)}, 'See the last 7 days')),
    el('div', {class: 'columns'},
      !page && topPages(s, days),
      names('Where they came from', 'Site', s.referrers, s.otherReferrers, s.visits,
        ['No visit of this period named the site that it came from.', 'A browser names it where the page before allows it; count.js passes the host on, and no more of it.']),
      names('Campaigns', 'utm_source', s.sources, s.otherSources, s.visits,
        ['No visit of this period came by a campaign.', ['End a link with ', code('?utm_source=newsletter'), ' to see it here.']])),
  ];
}

// change compares with as many days before.
function change(now, before, days) {
  const than = days === 1 ? 'yesterday, the whole day' : `in the ${days} days before`;
  if (!before) return el('small', {}, `none ${than}`);
  const percent = Math.round((now - before) / before * 100);
  const sign = percent > 0 ? '+' : percent < 0 ? '−' : '±';
  return el('small', {}, el('b', {class: percent < 0 ? 'less' : 'more'}, `${sign}${grouped(Math.abs(percent))} %`), ` against ${grouped(before)} ${than}`);
}

function drawDays(view, s) {
  const say = i => {
    const d = s.days[i];
    return `${dayName(d.day)}: ${counted(d.visits, 'visit')}, ${grouped(d.uniques)} unique`;
  };
  const most = s.days.reduce((best, d) => d.visits > best.visits ? d : best);
  return [
    chart(view, {
      label: `Visits a day, ${grouped(s.visits)} in all, most on ${dayName(most.day)}: ${grouped(most.visits)}`,
      x: s.days.map((_, i) => i), say,
      names: i => dayName(s.days[i].day, {day: 'numeric', month: 'short'}),
      series: [
        {name: 'visits', label: 'visits', color: '--pale', values: s.days.map(d => d.visits)},
        {name: 'uniques', label: 'unique visitors', color: '--green', values: s.days.map(d => d.uniques)},
      ],
    }),
    asTable(() => table({
      caption: 'Visits a day', rows: s.days.toReversed(),
      columns: [
        {name: 'Day (UTC)', cell: d => dayName(d.day)},
        {name: 'Visits', number: true, cell: d => grouped(d.visits)},
        {name: 'Unique', number: true, cell: d => grouped(d.uniques)},
      ],
    })),
  ];
}

function topPages(s, days) {
  return column('Top pages', table({
    caption: 'Top pages', rows: s.pages,
    columns: [
      {name: 'Page', cell: p => share(el('a', {href: visitsAddress(days, p.page)}, pageName(p.page)), p.visits, s.pages[0].visits)},
      {name: 'Visits', number: true, cell: p => grouped(p.visits)},
      {name: 'Unique', number: true, cell: p => grouped(p.uniques)},
      {name: 'Before', number: true, cell: p => grouped(p.before)},
    ],
  }));
}

// names are referrers or campaigns. Those of visits that named none are what is missing
// to the sum.
function names(title, head, list, others, visits, hints) {
  if (!list.length && !others) return column(title, empty(...hints));
  const named = list.reduce((sum, n) => sum + n.visits, others);
  const rows = [...list, others && {name: 'others', visits: others, quiet: true},
    visits > named && {name: 'none named', visits: visits - named, quiet: true}].filter(Boolean);
  return column(title, table({
    caption: title, rows, mark: n => n.quiet && 'quiet',
    columns: [
      {name: head, cell: n => share(n.name, n.visits, Math.max(...rows.map(r => r.visits)))},
      {name: 'Visits', number: true, cell: n => grouped(n.visits)},
    ],
  }));
}

const column = (title, ...content) => el('div', {class: 'column'}, el('h3', {}, title), content);

// share is a name over a bar as long as its part of the largest.
function share(name, n, most) {
  const bar = el('span', {class: 'share'}, name);
  bar.style.setProperty('--share', `${most ? n / most * 100 : 0}%`);
  return bar;
}

// live reads again and again what has come meanwhile: of one page its total, of all of
// them today's sum, the more seldom the more pages are read for it.
function live(view, s, page) {
  const number = el('span', {class: 'live'}, '…');
  const what = el('small', {}, page ? 'visits of all time' : 'visits today');
  const show = n => {
    const text = grouped(n);
    if (number.textContent !== text && number.textContent !== '…') {
      number.classList.remove('new');
      void number.offsetWidth; // so that the animation begins again
      number.classList.add('new');
    }
    number.textContent = text;
  };
  const read = async () => {
    try {
      show((page ? await view.api.visits.read(page, {signal: view.signal})
        : await view.api.visits.summary({from: today(), to: today(), signal: view.signal})).visits);
      what.classList.remove('old');
    } catch (error) {
      if (error.status === undefined && !view.signal.aborted) throw error;
      what.classList.add('old'); // the number stays, and is said to be old
    }
  };
  read();
  every(view, () => page ? 4 : Math.max(4, s.pagesRead / 20), read);
  return [number, what];
}

function noVisits(page) {
  if (page) return empty(`${pageName(page)} had no visit in this period, nor in the one before.`, 'Choose a longer period, or another page.');
  return empty('No visit yet.', ['Paste ', code('<script src="https://HOST/visits/count.js" defer></script>'), ' into a page, with this gateway as HOST.'],
    ['Other counters’ visits are brought along by ', code('tallystick import visits FILE'), '.']);
}

function kept() {
  return el('section', {class: 'aside', 'aria-label': 'What is kept of a visit'},
    el('p', {}, el('strong', {}, 'What is not here. '), 'No countries: to know one, Tallystick would have to look up each visitor’s address, and it keeps no address. Of a visit it keeps the page, the day, the host that it came from and the campaign, as counts. '
    + 'Unique visitors are counted for each page and day and added up here: who comes on two days, or reads two pages, is counted twice.'));
}
