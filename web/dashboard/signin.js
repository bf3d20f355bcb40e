// signin.js asks for the key, and for the gateway where the page was made for any.

import {el, code} from './dom.js';
import {form, field} from './form.js';
import {given, fixedGateway, signIn} from './session.js';

export function signInPage(done) {
  const view = {gateway: fixedGateway};
  const account = el('details', {}, el('summary', {}, 'A user and a password too'),
    field('User', 'user', {autocomplete: 'username', autocapitalize: 'off', spellcheck: 'false'}),
    field('Password', 'password', {type: 'password', autocomplete: 'current-password', hint: 'Where the gateway is run with BASIC_AUTH.'}));
  const sheet = form(view, {
    name: 'signin', label: 'Sign in', button: 'Sign in',
    fields: [
      field('Gateway', 'gateway', {
        type: 'url', pattern: 'https://.+|http://(localhost|127\\.0\\.0\\.1)(:\\d+)?/?', title: 'It begins with https://, or, on this machine, with http://localhost or http://127.0.0.1', value: fixedGateway, readonly: given !== '', required: true, placeholder: 'https://HOST', autocomplete: 'off',
        hint: given === 'self' ? 'This page talks to no other.' : given ? 'This page was made for it, and talks to no other.' : 'Where the API is, by https.',
      }),
      field('API key', 'key', {class: 'secret', required: true, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', hint: 'serve prints it when it starts. It is kept in this tab, until the tab is closed.'}),
      account,
    ],
    submit: async ({gateway, key, user, password}) => {
      view.gateway = new URL(gateway).origin;
      await signIn({gateway: view.gateway, key: key.trim(), user: user.trim(), password});
      done();
    },
  });
  return {title: 'Sign in', content: [sheet, forOthers()], focus: sheet.elements.key};
}

function forOthers() {
  return el('section', {class: 'aside', 'aria-label': 'Another gateway'}, el('p', {}, 'For another gateway, ',
    code('tallystick dashboard DIR --gateway URL'), ' writes this page as files for any host.'));
}
