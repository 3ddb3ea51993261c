// Every part in every state, for whoever builds with them: docs/design.md says why they are so.
import { html, part } from '../../parts/view.js';
import { money, say } from '../../parts/words.js';
import { Refused } from '../../parts/api.js';
import { Empty, Facts, Field, Head, Note, Waits, Wrong, icon } from '../../parts/blocks.js';
import { Now } from './session.js';

const SESSION = { state: 'active', reason: null, connector: '1', started_at: '2026-11-21T09:30:00Z', energy_wh: 18_420, power_w: 11_000, soc_percent: 64, elapsed_s: 5_400, held_minor: 5_000, action: null, charger_offline_since: null, idle: null, plan: null, power_wait: null, limits: null, prices: { hold_minor: 5_000 }, cost: { currency: 'EUR', total_minor: 1_240 }, paid_minor: null, due_minor: 0, receipt_url: null };
const later = (s) => new Date(Date.now() + s * 1000).toISOString();
const states = () => [
  SESSION,
  { ...SESSION, state: 'initiated', started_at: null, held_minor: null },
  { ...SESSION, state: 'initiated', started_at: null, start_before: later(252) },
  { ...SESSION, state: 'initiated', started_at: null, action: {} },
  { ...SESSION, plan: { waits_for: 'cheaper_later', starts_at: later(14_400) } },
  { ...SESSION, power_wait: { cause: 'turn', until: null } },
  { ...SESSION, idle: { free_until: later(240), price_per_minute: '0.10' } },
  { ...SESSION, charger_offline_since: later(-120) },
  { ...SESSION, state: 'completed', paid_minor: 1_240, receipt_url: '/' },
  { ...SESSION, state: 'completed', due_minor: 1_240 },
  { ...SESSION, state: 'failed', started_at: null, reason: 'charger_did_not_start', cost: { currency: 'EUR', total_minor: 0 } },
];

export default part(() => {
  const all = states();
  return () => html`<div class="page"><${Head} title=${say('parts')} to="/" /><div class="stack wide">
    <h2>${say('parts.buttons')}</h2><div class="row wrap">${['main', 'stop', 'line', 'plain', ''].map((kind) => html`<button key=${kind} class=${`button ${kind}`}>${icon('bolt')}${say('start')}</button>`)}<button class="button main" aria-disabled="true">${say('start')}</button></div>
    <h2>${say('parts.badges')}</h2><div class="row wrap">${[['go', 'available'], ['wait', 'charging'], ['wrong', 'faulted'], ['', 'unknown']].map(([kind, key]) => html`<span key=${key} class=${`badge ${kind}`}>${say(`status.${key}`)}</span>`)}</div>
    <h2>${say('parts.notes')}</h2>${['', 'fact', 'go', 'wait', 'wrong'].map((kind) => html`<${Note} key=${kind} kind=${kind}><p>${say('parts.sample')}</p><//>`)}<${Wrong} error=${new Refused('no_line', 0, '')} again=${() => {}} />
    <h2>${say('parts.fields')}</h2><${Field} id="sample" label=${say('email')} hint=${say('password.hint')} /><${Field} id="sample-wrong" label=${say('email')} error=${say('refused.invalid')} />
    <label class="switch sheet"><span>${say('parts.sample')}</span><input type="checkbox" role="switch" checked /></label>
    <fieldset class="choices"><legend class="legend">${say('parts.choices')}</legend>${['free', 'fast'].map((key) => html`<label key=${key} class="choice"><input type="radio" name="sample" checked=${key === 'free'} /><span>${say(`filter.${key}`)}</span></label>`)}</fieldset>
    <section class="sheet"><${Facts} rows=${[[say('per.kwh'), money(54, 'EUR')], [say('cost.total'), money(1_240, 'EUR'), 'total']]} /></section>
    <${Waits} text=${say('find.looks')} /><${Empty} sign="pin" title=${say('find.none')}><p>${say('find.none.next')}</p><//>
    <h2>${say('parts.states')}</h2>${all.map((it, at) => html`<div key=${at} class="sheet"><${Now} session=${it} /></div>`)}
  </div></div>`;
});
