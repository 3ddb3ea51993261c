// My wallet: what is in it, pay in, be paid in, pay out, and what moved. Charges are paid from it first.
import { html, part, plain, signal } from '../../parts/view.js';
import { dayAndTime, minorOf, money, roundSum, say } from '../../parts/words.js';
import { get, isKnown, newKey, post, put, remove } from '../../parts/api.js';
import { stripe } from '../../parts/stripe.js';
import { Ask, Empty, Field, Head, Note, Read, Wrong, deed, reading, icon } from '../../parts/blocks.js';
import { NeedsLogin } from '../login.js';

const USUAL = 'EUR';
const STEPS = [20, 50, 100];
// Its money is there once the bank says so: within seconds, and longer is said.
const LOOKS = 15;
const LOOK_MS = 1_000;

// A driver who has none yet sees an empty one; where no wallets are given out the statement says so.
async function load() {
  const { items } = await get('/v1/me/wallets');
  const all = items.length ? items : [{ currency: USUAL, balance_minor: 0, most_minor: null, auto_top_up: null, taken_this_month_minor: 0 }];
  return Promise.all(all.map(async (it) => ({ ...it, moved: await get(`/v1/me/wallets/${it.currency}/entries?limit=20`) })));
}

const rest = (ms) => new Promise((done) => { setTimeout(done, ms); });

const PayIn = part(({ it, again }) => {
  const steps = STEPS.map((step) => roundSum(step, it.currency));
  const amount = signal(steps[0]);
  const paying = deed();
  const waits = signal(null);
  let key = newKey();
  const pay = (event) => {
    event.preventDefault();
    paying.run(async () => {
      waits.value = null;
      try {
        const told = await post(`/v1/me/wallets/${it.currency}/top-ups`, { amount_minor: minorOf(amount.value, it.currency) }, { key });
        if (told.action) await (await stripe()).confirm(told.action);
        key = newKey();
      } catch (error) {
        if (error.code !== 'no_line') key = newKey();
        throw error;
      }
      waits.value = 'wallet.comes';
      for (let look = 0; look < LOOKS; look += 1) {
        await rest(LOOK_MS);
        const now = (await get('/v1/me/wallets')).items.find((one) => one.currency === it.currency);
        if (now && now.balance_minor !== it.balance_minor) { waits.value = null; again(); return; }
      }
      waits.value = 'wallet.late';
    });
  };
  return () => html`<form class="sheet stack" onSubmit=${pay}><fieldset class="stack tight"><legend class="legend">${say('wallet.pay.in')}</legend>
      <div class="choices">${steps.map((step) => html`<label key=${step} class="choice"><input type="radio" name=${`step-${it.currency}`} checked=${amount.value === step} onChange=${() => { amount.value = step; }} /><span class="figures">${money(minorOf(step, it.currency), it.currency)}</span></label>`)}</div></fieldset>
    ${paying.error.value ? html`<${Wrong} error=${paying.error.value} />` : null}
    ${waits.value ? html`<${Note} kind="fact" sign="clock"><p role="status">${say(waits.value)}</p><//>` : null}
    <button class="button main wide huge" aria-disabled=${paying.busy.value}>${say(paying.busy.value ? 'card.asks' : 'wallet.pay.in.now', { amount: money(minorOf(amount.value, it.currency), it.currency) })}</button>
    ${['no_card', 'declined', 'payment_declined'].includes(paying.error.value?.code) ? html`<a class="button line wide" href="#/cards/new?then=%2Fwallet">${say('card.add')}</a>` : null}</form>`;
});

const ByItself = part(({ it, again }) => {
  const rule = it.auto_top_up;
  const shown = (minor, otherwise) => signal(String(rule ? minor / minorOf(1, it.currency) : roundSum(otherwise, it.currency)));
  const fields = { threshold: shown(rule?.threshold_minor, 10), amount: shown(rule?.amount_minor, 20), cap: shown(rule?.monthly_cap_minor, 100) };
  const saving = deed();
  const path = `/v1/me/wallets/${it.currency}/auto-top-up`;
  const minor = (field) => minorOf(Number(field.value.replace(',', '.')), it.currency);
  const save = (event) => {
    event.preventDefault();
    saving.run(async () => {
      await put(path, { threshold_minor: minor(fields.threshold), amount_minor: minor(fields.amount), monthly_cap_minor: minor(fields.cap) });
      again();
    });
  };
  const end = () => saving.run(async () => { await remove(path); again(); });
  return ({ it: now }) => html`<details class="sheet"><summary>${say(rule ? 'wallet.auto.on' : 'wallet.auto')}</summary><form class="stack" onSubmit=${save}><p class="quiet small">${say('wallet.auto.text')}</p>
    ${Object.entries(fields).map(([name, field]) => html`<${Field} key=${name} id=${`auto-${name}-${it.currency}`} label=${say(`wallet.auto.${name}`, { currency: it.currency })} inputmode="decimal" required value=${field.value} onInput=${(event) => { field.value = event.target.value; }} />`)}
    ${rule ? html`<p class="small quiet">${say('wallet.auto.taken', { amount: money(now.taken_this_month_minor, it.currency) })}</p>` : null}
    ${saving.error.value ? html`<${Wrong} error=${saving.error.value} />` : null}
    <button class="button line wide" aria-disabled=${saving.busy.value}>${say('save')}</button>
    ${rule ? html`<button type="button" class="button plain" onClick=${end}>${say('wallet.auto.end')}</button>` : null}</form></details>`;
});

const PayOut = part(({ it, again }) => {
  const isAsked = signal(false);
  const paying = deed();
  const out = () => paying.run(async () => {
    isAsked.value = false;
    await post(`/v1/me/wallets/${it.currency}/pay-outs`, {}, { key: newKey() });
    again();
  });
  const amount = money(it.balance_minor, it.currency);
  return () => html`<div class="stack tight">${paying.error.value ? html`<${Wrong} error=${paying.error.value} />` : null}
    <button class="button line wide" aria-disabled=${paying.busy.value} onClick=${() => { isAsked.value = true; }}>${icon('out')}${say('wallet.pay.out')}</button>
    ${isAsked.value ? html`<${Ask} title=${say('wallet.pay.out.ask', { amount })} text=${say('wallet.pay.out.text')} yes=${say('wallet.pay.out')} no=${say('cancel')} onYes=${out} onNo=${() => { isAsked.value = false; }} />` : null}</div>`;
});

const Entry = plain(({ it, currency }) => {
  const inside = html`<div class="grow"><p class="strong">${say(`wallet.entry.${it.kind}`)}</p><p class="small quiet figures">${dayAndTime(it.at)} · ${say('wallet.then', { amount: money(it.balance_minor, currency) })}</p></div>
    <span class="strong figures">${money(it.amount_minor, currency)}</span>`;
  return html`<li>${it.session_id ? html`<a class="row-link" href=${`#/session/${encodeURIComponent(it.session_id)}`}>${inside}${icon('next', 'small')}</a>` : html`<div class="row-link still">${inside}</div>`}</li>`;
});

// What moved, newest first; older than the first page where it is asked for.
const Entries = part(({ it }) => {
  const older = signal([]);
  const cursor = signal(it.moved.next_cursor);
  const asking = deed();
  const more = () => asking.run(async () => {
    const page = await get(`/v1/me/wallets/${it.currency}/entries?limit=20&cursor=${encodeURIComponent(cursor.value)}`);
    older.value = [...older.value, ...page.items];
    cursor.value = page.next_cursor;
  });
  return () => html`<div class="stack tight"><h2>${say('wallet.entries')}</h2><ul class="rows">${[...it.moved.items, ...older.value].map((one) => html`<${Entry} key=${`${one.at}${one.kind}${one.reference}`} it=${one} currency=${it.currency} />`)}</ul>
    ${asking.error.value ? html`<${Wrong} error=${asking.error.value} />` : null}
    ${cursor.value ? html`<button class="button plain" aria-disabled=${asking.busy.value} onClick=${more}>${say('wallet.entries.older')}</button>` : null}</div>`;
});

export default part((_, life) => {
  const wallets = reading(load);
  life.begun(() => { if (isKnown.value) wallets.load(); });
  return () => {
    if (!isKnown.value) return html`<${NeedsLogin} title=${say('wallet')} sign="wallet" />`;
    if (wallets.error.value?.code === 'no_wallets') {
      return html`<div class="page"><${Head} title=${say('wallet')} to="/me" /><${Empty} sign="wallet" title=${say('wallet.none')}><p>${say('wallet.none.next')}</p><a class="button main" href="#/cards">${say('cards')}</a><//></div>`;
    }
    return html`<div class="page"><${Head} title=${say('wallet')} to="/me" /><${Read} from=${wallets} text=${say('wallet.looks')}>${(all) => html`<div class="stack wide">${all.map((it) => html`
      <section key=${it.currency} class="stack" aria-label=${it.currency}>
        <div class="now"><p class="quiet">${say('wallet.in.it')}</p><p class="price-now" data-figure="balance">${money(it.balance_minor, it.currency)}</p><p class="quiet">${say('wallet.text')}</p></div>
        <${PayIn} key=${`in ${it.balance_minor}`} it=${it} again=${wallets.load} />
        <${ByItself} key=${`auto ${JSON.stringify(it.auto_top_up)}`} it=${it} again=${wallets.load} />
        ${it.moved.items.length ? html`<${Entries} key=${`moved ${it.moved.items[0].at} ${it.moved.items[0].reference}`} it=${it} />` : null}
        ${it.balance_minor > 0 ? html`<${PayOut} key=${`out ${it.balance_minor}`} it=${it} again=${wallets.load} />` : null}
      </section>`)}</div>`}<//></div>`;
  };
});
