// What was charged, month by month: sums first, each charge below.
import { html, part, signal } from '../../parts/view.js';
import { dayAndTime, kwh, money, month, say } from '../../parts/words.js';
import { get, isKnown } from '../../parts/api.js';
import { Empty, Head, Read, reading, icon } from '../../parts/blocks.js';
import { NeedsLogin } from '../login.js';

const keyOf = (date) => `${date.getUTCFullYear()}-${String(date.getUTCMonth() + 1).padStart(2, '0')}`;

function months(count) {
  const now = new Date();
  return Array.from({ length: count }, (_, back) => keyOf(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1))));
}

const Month = part(({ name }, life) => {
  const told = reading(() => get(`/v1/me/statements/${name}`));
  life.begun(() => { told.load(); });
  return () => html`<${Read} from=${told} text=${say('history.looks')}>${(it) => html`<div>
    ${it.totals.length ? html`<dl class="figures-grid sheet">${it.totals.map((total) => html`
      <div key=${total.currency} class="figure"><dt>${say('history.sum')}</dt><dd>${money(total.total_minor - total.refunded_minor, total.currency)}</dd></div>
      <div class="figure"><dt>${say('history.energy')}</dt><dd>${kwh(total.energy_wh, 1)} ${say('unit.kwh')}</dd></div>`)}</dl>
    <ul class="rows history-rows">${it.sessions.map((one) => html`<li key=${one.session_id}><a class="row-link" href=${`#/receipt/${one.session_id}`}><div class="grow">
      <p class="strong">${one.charger_id}</p><p class="small quiet figures">${dayAndTime(one.created_at)} · ${kwh(one.energy_wh)} ${say('unit.kwh')}</p></div>
      <span class="strong figures">${money(one.total_minor, one.currency)}</span>${icon('next', 'small')}</a></li>`)}</ul>`
    : html`<${Empty} sign="history" title=${say('history.none', { month: month(name) })}><p>${say('history.none.next')}</p><//>`}</div>`}<//>`;
});

export default part(() => {
  const chosen = signal(months(1)[0]);
  return () => {
    if (!isKnown.value) return html`<${NeedsLogin} title=${say('nav.history')} sign="history" />`;
    return html`<div class="page"><${Head} title=${say('nav.history')} /><div class="stack">
      <label class="field"><span>${say('history.month')}</span><select value=${chosen.value} onChange=${(event) => { chosen.value = event.target.value; }}>
        ${months(12).map((it) => html`<option key=${it} value=${it}>${month(it)}</option>`)}</select></label>
      <${Month} key=${chosen.value} name=${chosen.value} /></div></div>`;
  };
});
