// address.js has the addresses of the dashboard's pages, which are all behind the #.

const at = (...parts) => '#' + parts.map(encodeURIComponent).join('/');

export const visitsAddress = (days, page) => `#visits?${new URLSearchParams({days, ...page && {page}})}`;
export const itemAddress = sku => at('stock', sku);
export const collectionAddress = (collection, filter) => at('records', collection) + (filter ? `?${new URLSearchParams({filter})}` : '');
export const settingsAddress = collection => at('records', collection) + '?show=settings';
export const recordAddress = (collection, id) => at('records', collection, id);
export const partnerAddress = id => at('partners', id);

// parse returns the part's name, what follows it, and the query.
export function parse(hash) {
  const [path, query] = hash.replace(/^#/, '').split(/\?(.*)/s);
  let parts = [];
  try {
    parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    // An address that is none is that of the first page.
  }
  return {name: parts[0] ?? 'visits', rest: parts.slice(1), query: new URLSearchParams(query)};
}
