// Stripe itself: its script from its own address, its Payment Element in its own frame. No card number is ever ours.
import { Refused } from './api.js';

const SCRIPT = 'https://js.stripe.com/clover/stripe.js';
let loading = null;

function load() {
  loading ??= new Promise((done, failed) => {
    const script = Object.assign(document.createElement('script'), { src: SCRIPT, onload: done, onerror: () => failed(new Refused('payments_unavailable', 503, '')) });
    document.head.append(script);
  }).catch((error) => { loading = null; throw error; });
  return loading;
}

const checked = ({ error, ...told }) => {
  if (error) throw new Refused('declined_by_bank', 402, error.message);
  return told;
};

const appearance = () => ({ theme: getComputedStyle(document.documentElement).colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches ? 'night' : 'stripe' });

export async function fields(place, wish) {
  await load();
  const stripe = globalThis.Stripe(wish.publishable_key);
  const elements = wish.client_secret
    ? stripe.elements({ clientSecret: wish.client_secret, appearance: appearance() })
    : stripe.elements({ mode: 'payment', amount: wish.amount, currency: wish.currency.toLowerCase(), paymentMethodCreation: 'manual', captureMethod: 'manual', paymentMethodTypes: ['card'], appearance: appearance() });
  const element = elements.create('payment');
  element.mount(place);
  async function give() {
    checked(await elements.submit());
    if (wish.client_secret) {
      checked(await stripe.confirmSetup({ elements, redirect: 'if_required', confirmParams: { return_url: location.href } }));
      return null;
    }
    return checked(await stripe.createPaymentMethod({ elements })).paymentMethod.id;
  }
  return { give, end: () => element.destroy() };
}

export async function confirm(action) {
  await load();
  checked(await globalThis.Stripe(action.publishable_key).handleNextAction({ clientSecret: action.client_secret }));
}
