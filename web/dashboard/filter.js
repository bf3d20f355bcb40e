// filter.js is the box for a filter, which shows a fault at the character where it is.

import {el, fill, newId} from './dom.js';
import {words} from './fault.js';

const codes = ['FILTER_INVALID', 'FILTER_UNSUPPORTED', 'INDEX_REQUIRED', 'ORDER_INVALID', 'VALIDATION_FAILED'];

// filterBox returns the form, and explain, which shows a fault and says whether it is
// one of the filter.
export function filterBox(view, {filter, apply}) {
  const id = newId(), wrongId = newId();
  const hint = el('p', {class: 'hint', id: newId()}, 'Such as ', el('code', {}, 'color = "red" AND price < 10'), '. Fields are those of transformed, and need an index.');
  const wrong = el('div', {class: 'wrong', id: wrongId, role: 'alert'});
  const input = el('input', {id, name: 'filter', value: filter, maxlength: 4096, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', 'aria-describedby': `${wrongId} ${hint.id}`});
  const form = el('form', {
    class: 'filter', role: 'search', 'aria-label': 'Filter',
    submit: event => {
      event.preventDefault();
      fill(wrong);
      input.removeAttribute('aria-invalid');
      apply(input.value.trim());
    },
  }, el('label', {for: id}, 'Filter'), el('div', {class: 'line'}, input, el('button', {}, 'Filter'),
    filter && el('button', {type: 'button', class: 'quiet', click: () => apply('')}, 'Show all')), wrong, hint);

  const explain = error => {
    if (!filter || !codes.includes(error.code)) return false;
    input.setAttribute('aria-invalid', 'true');
    const at = Number(/at character (\d+)/.exec(error.detail)?.[1]) || (/ends too early/.test(error.detail) && [...filter].length + 1);
    fill(wrong, at && place(filter, at), el('p', {}, words(error, view)));
    if (at) {
      input.focus();
      input.setSelectionRange(offset(filter, at), offset(filter, at + 1));
    }
    return true;
  };
  return {form, explain};
}

// place repeats the filter with a mark below the character.
function place(filter, at) {
  const characters = [...filter], i = Math.min(at - 1, characters.length);
  return el('pre', {'aria-hidden': 'true'}, characters.slice(0, i).join(''), el('mark', {}, characters[i] ?? ' '), characters.slice(i + 1).join(''));
}

// offset is where a character, counted from 1, is in UTF-16, as inputs count.
const offset = (text, at) => [...text].slice(0, at - 1).join('').length;
