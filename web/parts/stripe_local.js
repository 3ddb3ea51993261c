// The stand-in for Stripe on this machine: test cards only, given to the local stack. Stripe.js can be served by nobody
// but Stripe, so these fields are ours; nothing typed here leaves the machine.
import { html, part, render, signal } from './view.js';
import { say } from './words.js';
import { Refused } from './api.js';
import { Field, Note } from './blocks.js';

const CARDS = { works: '4242424242424242', asks: '4000002760003184', later: '4000000000000341', refused: '4000000000000002' };
const BASE = '/local/stripe';

async function post(path, form) {
  let answer;
  try {
    answer = await fetch(BASE + path, { method: 'POST', body: new URLSearchParams(form) });
  } catch {
    throw new Refused('no_line', 0, 'no line');
  }
  const told = await answer.json();
  if (!answer.ok) throw new Refused('declined', answer.status, told.error?.message ?? '');
  return told;
}

const idOf = (secret) => secret.split('_secret_')[0];

// `wish`: {client_secret, publishable_key} of a setup, or {publishable_key} for one payment.
export function fields(place, wish) {
  const digits = signal(CARDS.works);
  const isAsked = signal(null);
  const Fields = part(() => () => html`<div class="stack">
    <${Note} kind="fact" sign="shield"><p>${say('stripe.local')}</p><//>
    <fieldset class="stack tight"><legend class="legend">${say('stripe.local.cards')}</legend><div class="choices">
      ${Object.entries(CARDS).map(([key, number]) => html`<label key=${key} class="choice"><input type="radio" name="test-card" checked=${digits.value === number} onChange=${() => { digits.value = number; }} /><span>${say(`stripe.local.${key}`)}</span></label>`)}</div></fieldset>
    <${Field} id="card-number" label=${say('card.number')} inputmode="numeric" autocomplete="off" value=${digits.value.replace(/(.{4})(?=.)/g, '$1 ')} onInput=${(event) => { digits.value = event.target.value.replace(/\D/g, ''); }} />
    ${isAsked.value ? html`<div class="sheet stack"><h2>${say('stripe.local.bank')}</h2><p>${say('stripe.local.bank.text')}</p>
      <button type="button" class="button main wide" onClick=${() => isAsked.value(true)}>${say('stripe.local.bank.yes')}</button>
      <button type="button" class="button line wide" onClick=${() => isAsked.value(false)}>${say('stripe.local.bank.no')}</button></div>` : null}
  </div>`);
  render(html`<${Fields} />`, place);

  const card = { 'card[number]': () => digits.value, 'card[exp_month]': () => '12', 'card[exp_year]': () => '2099', 'card[cvc]': () => '123' };
  const form = (wrap) => Object.fromEntries(Object.entries(card).map(([name, value]) => [wrap(name), value()]));

  async function save() {
    const known = { key: wish.publishable_key, client_secret: wish.client_secret };
    const path = `/v1/setup_intents/${idOf(wish.client_secret)}`;
    let told = await post(`${path}/confirm`, { ...known, 'payment_method_data[type]': 'card', ...form((name) => `payment_method_data[${name.replace('[', '][')}`) });
    if (told.status === 'requires_action') {
      const isConfirmed = await new Promise((done) => { isAsked.value = done; });
      isAsked.value = null;
      told = await post(`${path}/${isConfirmed ? 'confirm' : 'cancel'}`, known);
    }
    if (told.status !== 'succeeded') throw new Refused('card_not_confirmed', 402, '');
    return null;
  }

  async function give() {
    if (wish.client_secret) return save();
    return (await post('/v1/payment_methods', { type: 'card', key: wish.publishable_key, ...form((name) => name) })).id;
  }
  return { give, end: () => render(null, place) };
}

export async function confirm(action) {
  await post(`/v1/payment_intents/${idOf(action.client_secret)}/_authenticate`, { key: action.publishable_key, client_secret: action.client_secret, success: 'true' });
}

