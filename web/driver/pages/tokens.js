// RFID cards: mine, those that operators gave me and wait for my word, and where they are good.
import { html, part, plain, signal } from '../../parts/view.js';
import { clockTime, price, say } from '../../parts/words.js';
import { get, isKnown, put, remove } from '../../parts/api.js';
import { Empty, Field, Head, Note, Read, Wrong, deed, reading, icon } from '../../parts/blocks.js';
import { NeedsLogin } from '../login.js';

// There is a cap for each currency of the world: the reader's own are shown, else the usual ones here.
const USUAL = ['EUR', 'GBP', 'CHF'];
const shownCaps = (it) => Object.entries(it.caps_in_force).filter(([currency]) => (Object.keys(it.most_per_kwh).length ? currency in it.most_per_kwh : USUAL.includes(currency)));
// A car's contract, by its eMAID: claimed where the car is plugged in.
const isContract = (uid) => /^\s*emaid-/i.test(uid);
const pathOf = (uid) => `/v1/me/tokens/${encodeURIComponent(uid)}`;

const Token = plain(({ it, change }) => html`<li class="sheet stack tight"><div class="row apart"><p class="row strong figures">${icon('tag')}${it.uid}</p>
    <span class=${`badge ${it.blocked || it.blocked_by_operator ? 'wrong' : it.consent === 'asked' || it.consent === 'claimed' ? 'wait' : 'go'}`}>${say(it.blocked || it.blocked_by_operator ? 'token.blocked' : `token.${it.consent}`)}</span></div>
  <p class="small quiet">${it.operator_id ? say('token.of', { operator: it.operator_id }) : say('token.own')}</p>
  ${it.consent === 'claimed' && it.claimed_until ? html`<${Note} kind="fact" sign="clock"><p>${say('token.show', { time: clockTime(it.claimed_until) })}</p><//>` : null}
  ${it.consent === 'asked' ? html`<p>${say('token.asked.text')}</p>` : null}
  ${it.refused ? html`<p class="small quiet">${say('token.refused', { why: say(`token.refused.${it.refused.reason ?? it.refused}`) })}</p>` : null}
  <div class="row wrap">
    ${it.consent === 'asked' ? html`<button class="button main" onClick=${() => change(() => put(pathOf(it.uid), {}))}>${say('token.agree')}</button>` : null}
    <button class="button line" onClick=${() => change(() => put(pathOf(it.uid), { blocked: !it.blocked }))}>${say(it.blocked ? 'token.unblock' : 'token.block')}</button>
    ${it.operator_id ? null : html`<button class="button plain" onClick=${() => change(() => remove(pathOf(it.uid)))}>${say('token.remove')}</button>`}</div></li>`);

export default part((_, life) => {
  const tokens = reading(async () => (await get('/v1/me/tokens')).items);
  const roaming = reading(() => get('/v1/me/roaming'));
  const uid = signal('');
  const charger = signal('');
  const changing = deed();
  life.begun(() => { if (isKnown.value) { tokens.load(); roaming.load(); } });
  const change = (work) => changing.run(async () => { await work(); await tokens.load(); });
  const add = (event) => {
    event.preventDefault();
    const where = isContract(uid.value) ? { charger_id: charger.value.trim() } : {};
    change(async () => { await put(pathOf(uid.value.trim()), where); uid.value = ''; charger.value = ''; });
  };
  const roam = (isAllowed) => changing.run(async () => { roaming.value.value = await put('/v1/me/roaming', { is_allowed: isAllowed, most_per_kwh: roaming.value.value.most_per_kwh }); });
  return () => {
    if (!isKnown.value) return html`<${NeedsLogin} title=${say('tokens')} sign="tag" />`;
    return html`<div class="page"><${Head} title=${say('tokens')} to="/me" /><div class="stack wide">
      ${changing.error.value ? html`<${Wrong} error=${changing.error.value} />` : null}
      <${Read} from=${tokens} text=${say('tokens.looks')}>${(items) => items.length === 0 ? html`<${Empty} sign="tag" title=${say('tokens.none')}><p>${say('tokens.none.next')}</p><//>` : html`<ul class="stack">${items.map((it) => html`<${Token} key=${it.uid} it=${it} change=${change} />`)}</ul>`}<//>
      <form class="stack tight" onSubmit=${add}><${Field} id="uid" label=${say('token.uid')} hint=${say('token.uid.hint')} required autocomplete="off" value=${uid.value} onInput=${(event) => { uid.value = event.target.value; }} />
        ${isContract(uid.value) ? html`<${Field} id="charger" label=${say('token.charger')} hint=${say('token.charger.hint')} required autocomplete="off" value=${charger.value} onInput=${(event) => { charger.value = event.target.value; }} />` : null}
        <button class="button main wide" aria-disabled=${changing.busy.value}>${say('token.add')}</button></form>
      <${Read} from=${roaming} text=${say('tokens.looks')}>${(it) => html`<section class="rows"><label class="switch"><span><span class="strong">${say('roaming')}</span><br /><span class="small quiet">${say('roaming.text', { caps: shownCaps(it).map(([currency, cap]) => price(cap, currency)).join(', ') || '–' })}</span></span>
        <input type="checkbox" role="switch" checked=${it.is_in_force} onChange=${() => roam(!it.is_in_force)} /></label></section>`}<//></div></div>`;
  };
});
