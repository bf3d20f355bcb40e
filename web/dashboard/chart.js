// chart.js draws with uPlot, and reads what is drawn to who sees no chart: it is a slider
// whose value is the point chosen, by pointer or by arrow keys.

import {el} from './dom.js';
import {short} from './format.js';

const ink = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = matchMedia('(prefers-color-scheme: dark)');

// chart draws series over x. say(i) is point i in words, and names(x) what stands below
// the axis; without it x is a time in seconds.
export function chart(view, {label, x, series, say, names}) {
  const readout = el('p', {class: 'readout'});
  const plot = el('div', {
    class: 'plot', role: 'slider', tabindex: 0, 'aria-label': label,
    'aria-valuemin': 1, 'aria-valuemax': x.length, 'aria-valuenow': x.length, 'aria-valuetext': say(x.length - 1),
  });
  const legend = el('p', {class: 'legend'}, series.map(s => el('span', {class: `key ${s.name}`}, s.label)));
  const drawing = el('div', {'aria-hidden': 'true'});
  plot.append(drawing);
  let chosen = x.length - 1;

  const choose = i => {
    chosen = i ?? x.length - 1;
    readout.textContent = say(chosen);
    plot.setAttribute('aria-valuenow', chosen + 1);
    plot.setAttribute('aria-valuetext', say(chosen));
  };
  choose();

  let u;
  const draw = () => {
    u = new uPlot({
      width: plot.clientWidth, height: plot.clientHeight,
      legend: {show: false},
      cursor: {y: false, drag: {setScale: false, x: false, y: false}, points: {show: series.some(s => s.step)}},
      scales: {x: names ? {time: false, range: [-.6, x.length - .4]} : {}, y: {range: heights}},
      axes: [bottom(x, names), side()],
      series: [{}, ...series.map(line)],
      hooks: {
        setCursor: [u => choose(u.cursor.idx)],
        draw: [() => performance.mark('tallystick-chart')],
      },
    }, [x, ...series.map(s => s.values)], drawing);
  };
  const resize = new ResizeObserver(() => {
    if (!plot.clientWidth) return;
    u ? u.setSize({width: plot.clientWidth, height: plot.clientHeight}) : draw();
  });
  resize.observe(plot);
  const recolor = () => u?.redraw(false, true);
  dark.addEventListener('change', recolor);
  view.signal.addEventListener('abort', () => {
    resize.disconnect();
    dark.removeEventListener('change', recolor);
    u?.destroy();
  });

  plot.addEventListener('keydown', event => {
    const to = {ArrowLeft: chosen - 1, ArrowDown: chosen - 1, ArrowRight: chosen + 1, ArrowUp: chosen + 1,
      PageUp: chosen + 7, PageDown: chosen - 7, Home: 0, End: x.length - 1}[event.key];
    if (to === undefined || !u) return;
    event.preventDefault();
    const at = Math.min(x.length - 1, Math.max(0, to));
    u.setCursor({left: u.valToPos(x[at], 'x'), top: 0});
    choose(at);
  });
  return el('div', {class: 'chart'}, el('div', {class: 'reading'}, legend, readout), plot);
}

// line is a series as uPlot has it: bars, or steps for what stays until it changes.
function line(s) {
  const color = () => ink(s.color);
  if (s.step) return {stroke: color, width: 2, paths: uPlot.paths.stepped({align: 1}), points: {show: false}};
  return {stroke: color, fill: color, width: 0, paths: uPlot.paths.bars({size: [.72, 26], radius: .12}), points: {show: false}};
}

// heights begins at nought, or below it where something is oversold.
function heights(_, least, most) {
  const top = Math.max(most ?? 0, 4);
  return [Math.min(0, least ?? 0), top * 1.06];
}

const letters = '12.5px -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

function bottom(x, names) {
  const axis = {
    stroke: () => ink('--soft'), font: letters, size: 30, gap: 6,
    grid: {show: false}, ticks: {show: false},
  };
  if (!names) return {...axis, space: 90, values: times};
  return {
    ...axis,
    // Backwards from the last one, as many as have room.
    splits: u => {
      const every = Math.max(1, Math.ceil(x.length * 76 / Math.max(u.width, 1)));
      const at = [];
      for (let i = x.length - 1 - Math.floor(every / 2); i >= 0; i -= every) at.unshift(i);
      return at;
    },
    values: (_, splits) => splits.map(names),
  };
}

// times are as exact as they are close to each other.
function times(_, splits, axis, space, step) {
  const options = step < 60 ? {timeStyle: 'medium'} : step < 86400 ? {day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'}
    : {day: 'numeric', month: 'short', ...step > 20 * 86400 && {year: '2-digit'}};
  return splits.map(t => new Date(t * 1000).toLocaleString('en-GB', options));
}

function side() {
  return {
    stroke: () => ink('--soft'), font: letters, gap: 8, space: 44,
    size: (_, values) => 18 + 7.5 * Math.max(2, ...(values ?? []).map(v => v.length)),
    incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, ...[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14].flatMap(p => [1, 2, 5].map(f => f * 10 ** p))],
    grid: {stroke: () => ink('--rule'), width: 1}, ticks: {show: false},
    values: (_, splits) => splits.map(short),
  };
}
