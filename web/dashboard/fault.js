// fault.js says what went wrong, and how to mend it.

import {el, code} from './dom.js';

// refusesKey says whether it is the key, or the user, that is not taken. The gateway
// answers 400 to a key that it does not know.
export const refusesKey = error => error.status === 401 || error.status === 400 && /API key/.test(error.detail);

const elsewhere = gateway => new URL(gateway).origin !== location.origin;

// words is a fault in words: what a part of the page is called is in it.
export function words(error, {gateway, what = 'The gateway'}) {
  if (error.status === undefined) return error.message; // it was never sent
  if (refusesKey(error)) {
    return error.status === 401
      ? 'The key, or the user and the password, is not accepted. Where BASIC_AUTH is set, the gateway wants all three.'
      : 'The key is not accepted. serve prints its key when it starts, or names the file that has it.';
  }
  if (error.status === 0 && elsewhere(gateway)) {
    return [`${what} does not answer this page. Either ${gateway} is down; or its ALLOWED_ORIGINS does not name this page’s origin, `,
      code(location.origin), ' (a * is not enough, for a key is needed); or the key is wrong: to pages of other origins the gateway does not say which.'];
  }
  if (error.status === 0) return `${what} does not answer: the gateway cannot be reached from here.`;
  if (error.status === 429) return `${what} has been asked too often. It answers again ${error.retryAfter ? `in ${error.retryAfter} s` : 'soon'}.`;
  if ([500, 502, 503, 504].includes(error.status)) return `${what} does not answer just now (${error.status}). All other parts go on.`;
  return error.detail;
}

// fault is the fault where a part would be, with a way to try again.
export function fault(error, {again, ...context}) {
  return el('div', {class: 'fault', role: 'alert'}, el('p', {}, words(error, context)),
    again && el('p', {}, el('button', {type: 'button', click: again}, 'Try again')));
}
