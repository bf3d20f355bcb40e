// format.js writes numbers, days and times for people.

export const grouped = n => n.toLocaleString('en');
export const signed = n => (n > 0 ? '+' : n < 0 ? '−' : '±') + grouped(Math.abs(n));
export const counted = (n, thing, things = thing + 's') => `${grouped(n)} ${n === 1 ? thing : things}`;
export const short = n => n.toLocaleString('en', {notation: 'compact', maximumFractionDigits: 1}).replace('K', 'k');

export const today = (now = new Date()) => now.toISOString().slice(0, 10);

// daysBack is the day so many days before today.
export const daysBack = n => today(new Date(Date.now() - n * 86400e3));

export const dayName = (day, options = {weekday: 'short', day: 'numeric', month: 'short', year: 'numeric'}) =>
  new Date(day + 'T00:00:00Z').toLocaleDateString('en-GB', {timeZone: 'UTC', ...options});

// pageName is a page as a person would write it. Its name in the API is percent-encoded.
export function pageName(page) {
  try {
    return decodeURI(page);
  } catch {
    return page;
  }
}

// moment is a time as the reader's clock has it; the title is exact.
export function moment(time) {
  const element = document.createElement('time');
  element.dateTime = element.title = time;
  element.textContent = new Date(time).toLocaleString('en-GB', {dateStyle: 'medium', timeStyle: 'short'});
  return element;
}

// now is by the gateway's clock where that is known, for the reader's may be wrong. A
// reply's date is exact to a second.
let ahead = 0;
export const now = () => Date.now() + ahead;
export const setClock = date => {
  const by = Date.parse(date) - Date.now();
  ahead = Math.abs(by) > 2000 ? by : 0;
};

// left is how long it is until a time.
export function left(time) {
  const seconds = Math.max(0, Math.round((new Date(time) - now()) / 1000));
  if (seconds === 0) return 'ends now';
  const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

// span is a number of seconds in words.
export function span(seconds) {
  for (const [unit, name] of [[86400, 'day'], [3600, 'hour'], [60, 'minute']]) {
    if (seconds && seconds % unit === 0) return counted(seconds / unit, name);
  }
  return counted(seconds, 'second');
}
