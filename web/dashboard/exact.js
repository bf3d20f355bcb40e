// exact.js reads JSON without changing its numbers, of which JavaScript has some only
// roughly: those stay as they were written, and are written so again by JSON.stringify.

// isExact is whether the browser can. Those from before 2025 cannot.
export const isExact = 'rawJSON' in JSON;

export const parse = text => JSON.parse(text, (_, value, context) =>
  isExact && typeof value === 'number' && String(value) !== context.source ? JSON.rawJSON(context.source) : value);
