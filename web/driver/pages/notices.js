// What I was told, newest first, and what I want to be told by which way.
import { html, part } from '../../parts/view.js';
import { moment, say } from '../../parts/words.js';
import { get, isKnown, put } from '../../parts/api.js';
import { Empty, Head, Read, Wrong, deed, reading, icon } from '../../parts/blocks.js';
import { NeedsLogin } from '../login.js';

const SIGNS = { started: 'bolt', finished: 'check', payment_failed: 'warn', receipt_ready: 'history', refunded: 'card', refund_failed: 'warn', idle_fee_begins: 'clock', card_expires: 'card', token_issued: 'tag', connector_free: 'plug', invoice_issued: 'history' };
export const KINDS = ['started', 'charge_planned', 'plan_changed', 'almost_full', 'idle_fee_begins', 'finished', 'payment_failed', 'receipt_ready', 'refunded', 'refund_failed', 'card_expires', 'bill_corrected', 'token_issued', 'connector_free', 'power_waits', 'power_at_risk', 'dispute_answered', 'car_planned', 'car_plan_changed', 'car_at_risk', 'car_unplugged_early', 'car_link_broken', 'invoice_issued'];

function target(it) {
  if (it.token) return '#/tokens';
  if (it.kind === 'connector_free') return `#/charger/${encodeURIComponent(it.charger_id)}`;
  if (['receipt_ready', 'refunded', 'bill_corrected', 'dispute_answered', 'invoice_issued'].includes(it.kind)) return `#/receipt/${encodeURIComponent(it.session_id)}`;
  return it.session_id ? `#/session/${encodeURIComponent(it.session_id)}` : '#/notices';
}

export default part((_, life) => {
  const notices = reading(() => get('/v1/me/notices?limit=50'));
  const wanted = reading(() => get('/v1/me/notices/preferences'));
  const changing = deed();
  life.begun(() => { if (isKnown.value) { notices.load(); wanted.load(); } });
  const choose = (channel, kind, isOn) => changing.run(async () => {
    const now = wanted.value.value;
    wanted.take(await put('/v1/me/notices/preferences', { ...now, [channel]: { ...now[channel], [kind]: isOn } }));
  });
  return () => {
    if (!isKnown.value) return html`<${NeedsLogin} title=${say('notices')} sign="bell" />`;
    return html`<div class="page"><${Head} title=${say('notices')} to="/me" /><div class="stack wide">
      <${Read} from=${notices} text=${say('notices.looks')}>${({ items }) => items.length === 0 ? html`<${Empty} sign="bell" title=${say('notices.none')}><p>${say('notices.none.next')}</p><//>` : html`<ul class="rows">${items.map((it) => html`<li key=${it.notice_id}><a class="row-link" href=${target(it)}>${icon(SIGNS[it.kind] ?? 'bell')}
        <div class="grow"><p class="strong">${say(`notice.${it.kind}`)}</p><p class="small quiet">${moment(it.at)}${it.charger_id ? ` · ${it.charger_id}` : ''}</p></div>${icon('next', 'small')}</a></li>`)}</ul>`}<//>
      ${changing.error.value ? html`<${Wrong} error=${changing.error.value} />` : null}
      <${Read} from=${wanted} text=${say('notices.looks')}>${(it) => html`<details class="sheet"><summary>${say('notices.wanted')}</summary>
        ${['mail', 'push'].map((channel) => html`<fieldset key=${channel} class="stack tight"><legend class="legend">${say(`notices.${channel}`)}</legend>
          ${KINDS.map((kind) => html`<label key=${kind} class="switch flat"><span>${say(`notice.${kind}`)}</span><input type="checkbox" role="switch" checked=${it[channel][kind] !== false} onChange=${(event) => choose(channel, kind, event.target.checked)} /></label>`)}</fieldset>`)}</details>`}<//></div></div>`;
  };
});
