// Where a card is asked for: the place that Stripe, or its stand-in, draws into.
import { html, part, signal } from './view.js';
import { say } from './words.js';
import { stripe } from './stripe.js';
import { Waits, Wrong } from './blocks.js';

// `ready(give)` is told once a card can be given.
export const CardFields = part(({ wish, ready }, life) => {
  const failed = signal(null);
  const isThere = signal(false);
  let place = null;
  life.begun(() => {
    let drawn = null;
    (async () => {
      try {
        drawn = await (await stripe()).fields(place, wish);
        isThere.value = true;
        ready(drawn.give);
      } catch (error) {
        failed.value = error;
      }
    })();
    return () => drawn?.end();
  });
  return () => html`<div class="stack"><div ref=${(it) => { place = it; }}></div>
    ${failed.value ? html`<${Wrong} error=${failed.value} />` : isThere.value ? null : html`<${Waits} text=${say('card.fields.wait')} />`}</div>`;
});
