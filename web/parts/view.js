// How a view is made: htm's templates, Preact's tree, and what it reads of signals draws it anew; and where one is.
// The libraries lie in vendor/ as npm has them, so nothing here may need an import map: that would be an inline script.
import { Component, Fragment, h, render } from '../vendor/preact-11.2.0/preact.mjs';
import htm from '../vendor/htm-3.1.1/htm.module.js';
import { batch, computed, effect, signal, untracked } from '../vendor/signals-core-1.14.5/signals-core.module.js';

export { Fragment, batch, computed, effect, render, signal, untracked };
export const html = htm.bind(h);

// `setUp(props, life)` runs once for each place it is used at, and returns what draws it; `life.begun` and `life.ended`
// take what is to be done then.
export function part(setUp) {
  return class extends Component {
    constructor(props) {
      super(props);
      this.begins = [];
      this.ends = [];
      const life = { begun: (it) => this.begins.push(it), ended: (it) => this.ends.push(it) };
      this.draw = untracked(() => setUp(props, life));
    }

    componentDidMount() {
      for (const begin of this.begins) {
        const end = untracked(begin);
        if (typeof end === 'function') this.ends.push(end);
      }
    }

    componentWillUnmount() {
      this.unwatch?.();
      for (const end of this.ends) end();
    }

    render(props) {
      this.unwatch?.();
      let drawn;
      let isFirst = true;
      this.unwatch = effect(() => {
        if (isFirst) drawn = this.draw(props);
        else this.setState({});
        isFirst = false;
      });
      return drawn;
    }
  };
}

// One that keeps nothing of its own.
export const plain = (draw) => part(() => draw);

// Where one is: what follows # in the address, so that a page of files needs no server's help.
// Whoever made the link may have put anything in it: what is no text stays as it is.
const decoded = (it) => { try { return decodeURIComponent(it); } catch { return it; } };
const read = () => {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
  return { path: path || '/', parts: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
};

export const place = signal(read());
// Where the address was changed and nobody told.
export const look = () => { place.value = read(); };
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
