// How a view is made: htm's templates, Preact's tree, and what it reads of signals draws it anew.
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
