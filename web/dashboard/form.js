// form.js makes forms whose faults stand where they are.

import {el, fill, newId} from './dom.js';
import {words} from './fault.js';

// field is a labelled control. Its hint, and what is wrong with it, are read with it.
export function field(label, name, {kind = 'input', hint, ...props} = {}) {
  const id = newId(), hintId = newId();
  const control = el(kind, {id, name, 'aria-describedby': hint && hintId, ...props});
  return el('div', {class: 'field'}, el('label', {for: id}, label), control, hint && el('p', {class: 'hint', id: hintId}, hint));
}

// whole is a field for a whole number.
export const whole = (label, name, props = {}) => field(label, name, {type: 'number', step: 1, inputmode: 'numeric', ...props});

// form calls submit with the values by name and an Idempotency-Key, and says what came of
// it: what submit returns, in said where that is given, or what it threw, in the words of
// explain where that has some. other is a second button, which comes first.
export function form(view, {name, label, fields, button, submit, other, note, explain, said}) {
  const told = said ?? el('p', {class: 'said', role: 'status'});
  const wrong = el('p', {class: 'wrong', role: 'alert', id: newId()});
  const press = el('button', {}, button), aside = other && el('button', {class: 'quiet'}, other.button);
  const once = onceEach();
  return el('form', {
    class: name, 'aria-label': label, novalidate: true,
    submit: async event => {
      event.preventDefault();
      const target = event.currentTarget, pressed = aside && event.submitter !== press ? aside : press;
      if (isBusy(press) || aside && isBusy(aside)) return;
      told.textContent = wrong.textContent = '';
      unmark(target);
      if (!complete(target, wrong)) return;
      const values = Object.fromEntries(new FormData(target));
      busy(pressed, true);
      try {
        told.append(await (pressed === press ? submit : other.submit)(values, once.key(values)) ?? '');
        once.done();
      } catch (error) {
        if (view.signal?.aborted) return; // nobody is there to be told
        if (isRefused(error)) once.done();
        const why = explain?.(error);
        fill(wrong, why || words(error, view));
        if (!why && error.status === undefined) throw error; // for the console: perhaps a fault of the page itself
      } finally {
        busy(pressed, false);
      }
    },
  }, fields, el('p', {class: 'buttons'}, aside, press, note), wrong, !said && told);
}

// onceEach has the same key for the same values until it is known what became of them: a
// reply that is lost leaves open whether anything was done, and who presses again wants
// it once.
function onceEach() {
  let text, key;
  return {
    key: values => {
      const now = JSON.stringify(values);
      if (now !== text) [text, key] = [now, newKey()];
      return key;
    },
    done: () => text = undefined,
  };
}

// newKey is an Idempotency-Key.
export const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join('-');

// isRefused says that a function answered, and did nothing. 429, or what the gateway says,
// is of the last attempt alone.
const isRefused = ({status, code}) => status >= 400 && status < 500 && status !== 429 && code !== 'GATEWAY';

// busy is a button that is not to be pressed again for now. It is not disabled, or it
// would lose the focus.
export const busy = (button, is) => button.setAttribute('aria-disabled', is);
export const isBusy = button => button.ariaDisabled === 'true';

// complete says what the browser finds wrong with a control, at the form and at the
// control, and puts the focus there.
function complete(target, wrong) {
  const bad = [...target.elements].find(control => !control.checkValidity());
  if (!bad) return true;
  wrong.textContent = `${bad.labels[0].textContent}: ${bad.validity.patternMismatch && bad.title || bad.validationMessage}`;
  bad.setAttribute('aria-invalid', 'true');
  bad.setAttribute('aria-errormessage', wrong.id);
  bad.focus();
  return false;
}

function unmark(target) {
  for (const control of target.elements) {
    control.removeAttribute('aria-invalid');
    control.removeAttribute('aria-errormessage');
  }
}

// whatIs is a number of a form, or undefined where nothing was put in.
export const whatIs = text => text === '' ? undefined : Number(text);
