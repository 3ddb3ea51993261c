// Pay by card at a charger, without an account: what it costs, the card, and it starts. Its secret stays on this device.
import { html, part, signal, place } from '../../parts/view.js';
import { countdown, money, price, say } from '../../parts/words.js';
import { call, post } from '../../parts/api.js';
import { keep } from '../../parts/kept.js';
import { now } from '../../parts/clock.js';
import { CardFields } from '../../parts/card_fields.js';
import { Facts, Field, Head, Waits, Wrong, deed } from '../../parts/blocks.js';
import { running } from '../mine.js';
import { LimitFields, limitsOf, noWish } from '../wishes.js';

export default part((_, life) => {
  const [, id, connector = '1'] = place.value.parts;
  const offer = signal(null);
  const failed = signal(null);
  const give = signal(null);
  const email = signal('');
  const wish = signal(noWish());
  const paying = deed();
  const home = `/charger/${encodeURIComponent(id)}/${connector}`;

  async function open() {
    failed.value = null;
    try {
      offer.value = await post('/v1/adhoc/checkouts', { charger_id: id, connector }, { isOpen: true });
    } catch (error) {
      failed.value = error;
    }
  }
  life.begun(() => { open(); });

  const pay = (event) => {
    event.preventDefault();
    if (!give.value) return;
    paying.run(async () => {
      const { checkout_id: checkout, secret } = offer.value;
      const method = await give.value();
      const body = { payment_method_id: method, email: email.value.trim() || null, limits: limitsOf(wish.value, offer.value.prices.currency) };
      keep(`guest.${checkout}`, { secret });
      await call('POST', `/v1/adhoc/checkouts/${checkout}/pay`, body, { isOpen: true, headers: { 'Checkout-Secret': secret } });
      // Who has gone elsewhere meanwhile finds it below.
      running.value = `/guest/${checkout}`;
      keep('running', running.value);
      life.replace(running.value);
    });
  };

  return () => {
    const it = offer.value;
    if (it === null) {
      return html`<div class="page"><${Head} title=${say('pay')} to=${home} />${failed.value ? html`<${Wrong} error=${failed.value} again=${open} />` : html`<${Waits} text=${say('pay.opens')} />`}</div>`;
    }
    const left = (Date.parse(it.pay_before) - now.value) / 1000;
    return html`<div class="page two"><${Head} title=${say('pay')} to=${home} /><form class="halves" onSubmit=${pay}>
      <div class="stack">
        <section class="sheet stack tight"><h2>${it.site?.name ?? it.charger_id}</h2><p class="quiet">${it.site?.address ?? ''}</p>
          <p>${say('pay.compare', { charger: it.charger_id, connector: it.connector })}</p>
          <${Facts} rows=${[
            ...it.prices.price.map((one) => [say(`per.${one.per}`), price(one.amount, it.prices.currency)]),
            [say('pay.most'), money(it.hold_minor, it.prices.currency), 'total'],
          ]} />
          <p class="small quiet">${say('pay.text')}</p>
          <p class="small quiet">${left > 0 ? say('pay.until', { time: countdown(left) }) : say('refused.checkout_expired')}</p></section>
        <details class="sheet"><summary>${say('limit')}</summary><${LimitFields} wish=${wish} currency=${it.prices.currency} /></details>
      </div>
      <div class="stack">
        <${CardFields} key=${it.checkout_id} wish=${{ publishable_key: it.publishable_key, amount: it.hold_minor, currency: it.prices.currency }} ready=${(made) => { give.value = made; }} />
        <${Field} id="receipt-mail" type="email" label=${say('pay.mail')} hint=${say('pay.mail.hint')} autocomplete="email" value=${email.value} onInput=${(event) => { email.value = event.target.value; }} />
        ${paying.error.value ? html`<${Wrong} error=${paying.error.value} />` : null}
        ${left > 0 ? html`<button class="button main wide huge" aria-disabled=${!give.value || paying.busy.value}>${say(paying.busy.value ? 'card.asks' : 'pay.start')}</button>`
          : html`<button type="button" class="button main wide huge" onClick=${open}>${say('pay.again')}</button>`}
      </div></form></div>`;
  };
});
