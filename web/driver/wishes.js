// What is wanted of a charge: when it stops, when the car is to be ready. Before it begins, and while it runs.
import { html, part, plain, signal } from '../parts/view.js';
import { minorOf, roundSum, say } from '../parts/words.js';
import { Refused, put } from '../parts/api.js';
import { keep, kept } from '../parts/kept.js';
import { Field, Wrong, deed, icon } from '../parts/blocks.js';

export const noWish = () => ({ limit: 'none', amount: null, energy: '20', percent: '80', minutes: '60', when: 'now', usual: null,
  ready: tomorrow(), readyIn: 'energy', readyEnergy: '20', readyPercent: '80', batteryNow: '', battery: String(kept('battery') ?? '') });

function tomorrow() {
  const at = new Date(Date.now() + 12 * 3600_000);
  at.setMinutes(0, 0, 0);
  return local(at);
}

// As a field for a day and a time has it.
const local = (at) => new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

// A figure as people write it; null for none.
function figure(text) {
  const said = String(text ?? '').trim().replace(',', '.');
  return said === '' || Number.isNaN(Number(said)) ? null : Number(said);
}

// What was said of a charge before, to be said again with changes.
function wishOf({ preferences: said, soc_percent: percent }) {
  const wish = { ...noWish(), batteryNow: String(percent ?? said?.battery_percent ?? '') };
  if (!said?.ready_by) return wish;
  const inPercent = said.target_percent !== null;
  return {
    ...wish,
    when: said.profile === 'green' ? 'green' : 'cheap',
    ready: local(new Date(said.ready_by)),
    readyIn: inPercent ? 'percent' : 'energy',
    ...(said.energy_wh === null ? {} : { readyEnergy: String(said.energy_wh / 1000) }),
    ...(inPercent ? { readyPercent: String(said.target_percent), battery: String(said.capacity_wh / 1000) } : {}),
  };
}

// What comes of a wish, in words.
export function outcome({ result, boost, ready_by: readyBy }) {
  if (result !== 'accepted') return say(`preferences.${result}`);
  return say(boost ? 'preferences.boosted' : readyBy ? 'preferences.accepted' : 'preferences.unplanned');
}

const USUAL_SUM = 20;
const sumOf = (wish, currency) => wish.amount ?? String(roundSum(USUAL_SUM, currency));

// `currency`: that of the charger's prices.
export function limitsOf(wish, currency) {
  const whole = (it) => Math.round(Number(String(it).replace(',', '.')));
  if (wish.limit === 'amount') return { amount_minor: minorOf(Number(sumOf(wish, currency).replace(',', '.')), currency) };
  if (wish.limit === 'energy') return { energy_wh: whole(wish.energy) * 1000 };
  if (wish.limit === 'percent') return { soc_percent: whole(wish.percent) };
  if (wish.limit === 'minutes') return { duration_s: whole(wish.minutes) * 60 };
  return null;
}

export function preferencesOf(wish) {
  if (wish.when === 'usual') return null;
  // Where something is wished as a rule, at once is a wish of its own.
  if (wish.when === 'now') return wish.usual ? { boost: true } : null;
  const at = new Date(wish.ready);
  const [energy, percent, now, size] = [wish.readyEnergy, wish.readyPercent, wish.batteryNow, wish.battery].map(figure);
  const isWhole = wish.readyIn === 'percent' ? percent !== null && now !== null && size !== null : energy !== null;
  if (Number.isNaN(at.getTime()) || !isWhole) throw new Refused('wish_incomplete', 422);
  const ready = { ready_by: at.toISOString(), profile: wish.when };
  if (wish.readyIn !== 'percent') return { ...ready, energy_wh: Math.round(energy * 1000) };
  // What a battery holds is said once.
  keep('battery', size);
  return { ...ready, target_percent: Math.round(percent), battery_percent: Math.round(now), capacity_wh: Math.round(size * 1000) };
}

export const Choices = plain(({ name, label, options, value, choose }) => html`<fieldset class="stack tight"><legend class="legend">${label}</legend>
  <div class="choices">${options.map(([key, text]) => html`<label key=${key} class="choice"><input type="radio" name=${name} checked=${value === key} onChange=${() => choose(key)} /><span>${text}</span></label>`)}</div></fieldset>`);

export const LimitFields = plain(({ wish, currency }) => {
  const it = { ...wish.value, amount: sumOf(wish.value, currency) };
  const set = (change) => { wish.value = { ...it, ...change }; };
  const field = (name, label, mode = 'numeric') => html`<${Field} id=${`limit-${name}`} label=${label} inputmode=${mode} value=${it[name]} onInput=${(event) => set({ [name]: event.target.value })} />`;
  return html`<div class="stack"><${Choices} name="limit" label=${say('limit')} value=${it.limit} choose=${(limit) => set({ limit })}
      options=${['none', 'percent', 'amount', 'energy', 'minutes'].map((key) => [key, say(`limit.${key}`)])} />
    ${it.limit === 'percent' ? field('percent', say('limit.percent.label')) : null}
    ${it.limit === 'amount' ? field('amount', say('limit.amount.label', { currency }), 'decimal') : null}
    ${it.limit === 'energy' ? field('energy', say('limit.energy.label')) : null}
    ${it.limit === 'minutes' ? field('minutes', say('limit.minutes.label')) : null}</div>`;
});

export const ReadyFields = plain(({ wish }) => {
  const it = wish.value;
  const set = (change) => { wish.value = { ...it, ...change }; };
  const field = (name, id, label) => html`<${Field} id=${id} inputmode="decimal" label=${label} value=${it[name]} onInput=${(event) => set({ [name]: event.target.value })} />`;
  return html`<div class="stack"><${Choices} name="when" label=${say('ready')} value=${it.when} choose=${(when) => set({ when })}
      options=${[...(it.usual ? ['usual'] : []), 'now', 'cheap', 'green'].map((key) => [key, say(`ready.${key}`)])} />
    ${it.when === 'usual' ? html`<p class="small quiet">${say('usual.is', { time: it.usual.ready_at })}</p>` : null}
    ${['now', 'usual'].includes(it.when) ? null : html`<${Field} id="ready-by" type="datetime-local" label=${say('ready.by')} value=${it.ready} onInput=${(event) => set({ ready: event.target.value })} />
      <${Choices} name="ready-in" label=${say('ready.in')} value=${it.readyIn} choose=${(readyIn) => set({ readyIn })} options=${['energy', 'percent'].map((key) => [key, say(`ready.in.${key}`)])} />
      ${it.readyIn === 'energy' ? field('readyEnergy', 'ready-energy', say('ready.energy')) : html`${field('batteryNow', 'ready-now', say('ready.battery.now'))}
        ${field('readyPercent', 'ready-percent', say('ready.percent'))}${field('battery', 'ready-battery', say('ready.battery'))}`}
      <p class="small quiet">${say('ready.text')}</p>`}</div>`;
});

// One touch for whoever cannot wait.
export const ChargeNow = part(() => {
  const doing = deed();
  return ({ session, done }) => html`<div class="stack tight">${doing.error.value ? html`<${Wrong} error=${doing.error.value} />` : null}
    <button class="button line wide" aria-disabled=${doing.busy.value} onClick=${() => doing.run(async () => {
      await put(`/v1/sessions/${session.session_id}/charging-preferences`, { boost: true });
      done();
    })}>${icon('bolt')}${say('ready.boost')}</button></div>`;
});

// Said anew while it runs.
export const Wishes = part(({ session }) => {
  const wish = signal(wishOf(session));
  const saving = deed();
  const said = signal(null);
  const path = `/v1/sessions/${session.session_id}/charging-preferences`;
  const tell = (done) => saving.run(async () => {
    said.value = await put(path, preferencesOf(wish.value) ?? {});
    done();
  });
  return ({ done }) => html`<details class="sheet"><summary>${say('ready.change')}</summary><form class="stack" onSubmit=${(event) => { event.preventDefault(); tell(done); }}>
    <${ReadyFields} wish=${wish} />
    ${saving.error.value ? html`<${Wrong} error=${saving.error.value} />` : null}
    ${said.value ? html`<p role="status">${outcome(said.value)}</p>` : null}
    <button class="button line wide" aria-disabled=${saving.busy.value}>${say('save')}</button>
  </form></details>`;
});
