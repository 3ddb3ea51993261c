// Where one is: what follows # in the address, so that a page of files needs no server's help.
import { signal } from './view.js';

// Whoever made the link may have put anything in it: what is no text stays as it is.
const decoded = (it) => { try { return decodeURIComponent(it); } catch { return it; } };
const read = () => {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
  return { path: path || '/', parts: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
};

export const place = signal(read());
let steps = 0;
addEventListener('hashchange', () => {
  steps += 1;
  place.value = read();
  scrollTo(0, 0);
});

export const go = (path) => { location.hash = path; };
export const replace = (path) => location.replace(`#${path}`);
// Back to where one came from, or to `otherwise` for who came by a link.
export const back = (otherwise) => (steps ? history.back() : replace(otherwise));
