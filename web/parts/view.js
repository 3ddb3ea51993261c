// How a view is made: htm's templates, Preact's tree, and what it reads of signals draws it anew; and where one is.
// The libraries lie in vendor/ as npm has them, so nothing here may need an import map: that would be an inline script.
import { Component, Fragment, h, render } from '../vendor/preact-11.2.0/preact.mjs';
import htm from '../vendor/htm-3.1.1/htm.module.js';
import { batch, computed, effect, signal, untracked } from '../vendor/signals-core-1.14.5/signals-core.module.js';

export { Fragment, batch, computed, effect, render, signal, untracked };
export const html = htm.bind(h);

// What is pressed stays under the finger: what is told meanwhile is drawn once it is lifted. Of a list that is drawn anew
// between press and release the browser sees two things touched, and no click.
const TOUCHED = 'a, button, summary, label, [role=button]';
// Of these a browser may show a picker, and tell no release.
const PICKED = 'select, textarea, input:not([type=checkbox], [type=radio])';
// A finger's click comes a moment after its release; a mouse's with it.
const CLICK_MS = 100;
const waiting = new Set();
let isPressed = false;
let lifting = null;

export const whenLifted = (draw) => { if (isPressed) waiting.add(draw); else draw(); };

function lift() {
  isPressed = false;
  const all = [...waiting];
  waiting.clear();
  for (const draw of all) draw();
}
function lifted(within) {
  clearTimeout(lifting);
  if (isPressed) lifting = setTimeout(lift, within);
}
addEventListener('pointerdown', ({ target, button }) => {
  clearTimeout(lifting);
  if (button === 0 && target.closest?.(TOUCHED) && !target.closest(PICKED)) isPressed = true;
  else lift();
}, true);
addEventListener('pointerup', () => lifted(CLICK_MS), true);
// What was touched is told first.
for (const ends of ['click', 'pointercancel', 'dragend']) addEventListener(ends, () => lifted(0), true);
addEventListener('blur', () => lifted(0));

// `setUp(props, life)` runs once for each place it is used at, and returns what draws it; `life.begun` and `life.ended`
// take what is to be done then. `life.go` and `life.replace` lead on like those below, but nobody who has left meanwhile.
export function part(setUp) {
  return class extends Component {
    constructor(props) {
      super(props);
      this.begins = [];
      this.ends = [];
      const { path } = read();
      const isHere = () => read().path === path;
      const life = {
        begun: (it) => this.begins.push(it),
        ended: (it) => this.ends.push(it),
        isHere,
        go: (to) => { if (isHere()) go(to); },
        replace: (to) => { if (isHere()) replace(to); },
      };
      this.again = () => this.setState({});
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
      waiting.delete(this.again);
      for (const end of this.ends) end();
    }

    render(props) {
      this.unwatch?.();
      let drawn;
      let isFirst = true;
      this.unwatch = effect(() => {
        if (isFirst) drawn = this.draw(props);
        else whenLifted(this.again);
        isFirst = false;
      });
      return drawn;
    }
  };
}

// Answers overtake one another: `const isNewer = ask()` as one asks, `isNewer()` once it is told. What was overtaken counts no more.
export function inOrder() {
  let [asked, told] = [0, 0];
  return () => {
    asked += 1;
    const mine = asked;
    return () => {
      if (mine < told) return false;
      told = mine;
      return true;
    };
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
