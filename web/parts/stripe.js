// How a card is given: to Stripe, in Stripe's own fields; or, on a machine without Stripe, to a stand-in that says so.
// Both keep the same three words: `fields(place, wish)` draws what asks for a card and returns `give()`; `confirm(action)`
// lets the card's bank ask its holder.
import { config } from './api.js';

export const stripe = () => (config.stripe === 'local' ? import('./stripe_local.js') : import('./stripe_real.js'));
