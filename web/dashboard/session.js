// session.js keeps who is signed in: in this tab alone, and never in an address.

import {Tallystick} from './tallystick.js';
import {parse} from './exact.js';
import {refusesKey} from './fault.js';
import {setClock} from './format.js';

const place = 'tallystick.session';

// given is the gateway that this page was made for: "self" where it is served by it, and
// empty where the reader names one.
export const given = document.querySelector('meta[name=gateway]').content;
export const fixedGateway = given === 'self' ? location.origin : given;

// kept is {gateway, key, user, password}, or null.
export function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(place));
  } catch {
    return null;
  }
}

// client makes few attempts: who looks at a page would rather be told than wait. Numbers of
// documents it keeps as they were written; those of the API itself are all exact.
export const client = ({gateway, key, user, password}) =>
  new Tallystick(gateway, {key, user, password, attempts: 2, parse, fetch: async (...request) => {
    const reply = await fetch(...request);
    // A page of another origin is not told the date.
    if (reply.headers.get('Cache-Control')?.includes('no-store')) setClock(reply.headers.get('Date'));
    return reply;
  }});

// signIn keeps who it is if the gateway takes the key. A function that is down, behind a
// gateway that took the key, keeps nobody out of the others.
export async function signIn(who) {
  try {
    await client(who).visits.top({pageSize: 1});
  } catch (error) {
    if (error.status < 500 || error.status === undefined || refusesKey(error)) throw error;
  }
  sessionStorage.setItem(place, JSON.stringify(who));
}

export function signOut() {
  sessionStorage.removeItem(place);
}
