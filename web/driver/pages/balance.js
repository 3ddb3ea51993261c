// What is owed, since when and why, and one button that pays it.
import { html, part } from '../../parts/view.js';
import { day, money, say } from '../../parts/words.js';
import { get, isKnown, post } from '../../parts/api.js';
import { stripe } from '../../parts/stripe.js';
import { Empty, Head, Note, Read, Wrong, deed, reading } from '../../parts/blocks.js';
import { lookForDebts } from '../mine.js';
import { NeedsLogin } from '../login.js';

export default part((_, life) => {
  const balance = reading(() => get('/v1/me/balance'));
  const paying = deed();
  life.begun(() => { if (isKnown.value) balance.load(); });
  const pay = () => paying.run(async () => {
    let told = await post('/v1/me/balance/pay');
    if (told.action) {
      await (await stripe()).confirm(told.action);
      told = await get('/v1/me/balance');
    }
    balance.take(told);
    lookForDebts();
  });
  return () => {
    if (!isKnown.value) return html`<${NeedsLogin} title=${say('balance')} sign="lock" />`;
    return html`<div class="page"><${Head} title=${say('balance')} to="/me" />
      <${Read} from=${balance} text=${say('balance.looks')}>${({ debts }) => debts.length === 0 ? html`<${Empty} sign="check" title=${say('balance.none')}><p>${say('balance.none.next')}</p><//>` : html`<div class="stack">
        <${Note} kind="wrong" sign="card"><p>${say('debts.bar')}</p><//>
        <ul class="rows">${debts.map((it) => html`<li key=${it.session_id}><a class="row-link" href=${`#/session/${it.session_id}`}><div class="grow"><p class="strong figures">${money(it.amount_minor, it.currency)}</p>
          <p class="small quiet">${say('balance.since', { day: day(it.since) })}${it.error ? ` · ${say('balance.refused')}` : ''}</p></div></a></li>`)}</ul>
        ${paying.error.value ? html`<${Wrong} error=${paying.error.value} />` : null}
        <button class="button main wide huge" aria-disabled=${paying.busy.value} onClick=${pay}>${say(paying.busy.value ? 'card.asks' : 'balance.pay')}</button>
        <a class="button line wide" href="#/cards/new?then=%2Fbalance">${say('balance.other.card')}</a></div>`}<//></div>`;
  };
});
