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

// form calls submit with the values by name, and says what came of it: what submit
// returns, or what it threw, in the words of explain where that has some.
export function form(view, {name, label, fields, button, submit, explain}) {
  const said = el('p', {class: 'said', role: 'status'});
  const wrong = el('p', {class: 'wrong', role: 'alert', id: newId()});
  const press = el('button', {}, button);
  return el('form', {
    class: name, 'aria-label': label, novalidate: true,
    submit: async event => {
      event.preventDefault();
      const target = event.currentTarget;
      said.textContent = wrong.textContent = '';
      unmark(target);
      if (isBusy(press) || !complete(target, wrong)) return;
      busy(press, true);
      try {
        said.append(await submit(Object.fromEntries(new FormData(target))) ?? '');
      } catch (error) {
        if (error.status === undefined) throw error;
        fill(wrong, explain?.(error) || words(error, view));
      } finally {
        busy(press, false);
      }
    },
  }, fields, el('p', {class: 'buttons'}, press), wrong, said);
}

// busy is a button that is not to be pressed again for now. It is not disabled, or it
// would lose the focus.
export const busy = (button, is) => button.setAttribute('aria-disabled', is);
export const isBusy = button => button.ariaDisabled === 'true';

// complete says what the browser finds wrong with a control, at the form and at the
// control, and puts the focus there.
function complete(target, wrong) {
  const bad = [...target.elements].find(control => !control.checkValidity());
  if (!bad) return true;
  wrong.textContent = `${bad.labels[0].textContent}: ${bad.validationMessage}`;
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
