// When a car is to be ready, by weekday, and what that leans on: the plug at home, what power costs there, quiet hours.
import { html, part, plain, signal } from '../parts/view.js';
import { say, weekday } from '../parts/words.js';
import { put } from '../parts/api.js';
import { kept, keep } from '../parts/kept.js';
import { Field, Note, Wrong, deed, icon } from '../parts/blocks.js';
import { Choices } from './wishes.js';
import { pathOf } from './cars.js';

const DAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];
const PRICES = ['none', 'fixed', 'time_of_use'];
const number = (it) => Number(String(it).replace(',', '.'));

// The API tells that there are prices and not which: they are kept here, for who changes something else.
const pricesOf = (id) => kept(`car.${id}.prices`) ?? { kind: 'none', currency: 'EUR', day: '0.30', night: '0.20', begins: '22:00', ends: '06:00' };

function told(prices) {
  if (prices.kind === 'none') return null;
  const day = String(number(prices.day));
  const band = { price_per_kwh: String(number(prices.night)), begins: prices.begins, ends: prices.ends };
  const price = prices.kind === 'fixed' ? { kind: 'fixed', price_per_kwh: day } : { kind: 'time_of_use', price_per_kwh: day, bands: [band] };
  return { currency: prices.currency.trim().toUpperCase(), price };
}

const Day = plain(({ day, at, set }) => html`<div class="week-day"><label class="choice"><input type="checkbox" checked=${at.isOn} onChange=${() => set({ isOn: !at.isOn })} /><span><span aria-hidden="true">${weekday(DAYS.indexOf(day), 'short')}</span><span class="unseen">${weekday(DAYS.indexOf(day))}</span></span></label>
  ${at.isOn ? html`<label class="field"><span class="unseen">${say('car.ready.at', { day: weekday(DAYS.indexOf(day)) })}</span><input type="time" required value=${at.at} onInput=${(event) => set({ at: event.target.value })} /></label>
    <label class="field"><span class="unseen">${say('car.ready.percent', { day: weekday(DAYS.indexOf(day)) })}</span><input inputmode="numeric" required pattern="[0-9]{1,3}" value=${at.percent} onInput=${(event) => set({ percent: event.target.value })} /></label><span aria-hidden="true">%</span>` : html`<span class="quiet small">${say('car.ready.none')}</span>`}</div>`);

export const CarWish = part(({ car, wish }) => {
  const first = wish.ready_by[0] ?? { at: '07:00', percent: 80 };
  const days = signal(Object.fromEntries(DAYS.map((day) => {
    const said = wish.ready_by.find((it) => it.day === day);
    return [day, { isOn: Boolean(said), at: said?.at ?? first.at, percent: String(said?.percent ?? first.percent) }];
  })));
  const least = signal(String(wish.least_percent));
  const power = signal(String(wish.power_w / 1000));
  const quiet = signal({ from: wish.quiet_from ?? '', until: wish.quiet_until ?? '' });
  const home = signal(wish.home);
  const mayWait = signal(wish.waits_unguarded);
  const prices = signal(pricesOf(car.vehicle_id));
  const saving = deed();
  const locating = deed();
  const isSaved = signal(false);
  const mustSayPrices = wish.prices && prices.value.kind === 'none';
  const price = (change) => { prices.value = { ...prices.value, ...change }; };
  const here = () => locating.run(async () => {
    const { coords } = await new Promise((done, failed) => { navigator.geolocation.getCurrentPosition(done, failed, { timeout: 10_000 }); });
    home.value = { latitude: coords.latitude, longitude: coords.longitude };
    isSaved.value = false;
  });
  const save = (event, done) => {
    event.preventDefault();
    saving.run(async () => {
      await put(`${pathOf(car.vehicle_id)}/wish`, {
        time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        ready_by: DAYS.filter((day) => days.value[day].isOn).map((day) => ({ day, at: days.value[day].at, percent: Math.round(number(days.value[day].percent)) })),
        least_percent: Math.round(number(least.value)),
        home: home.value,
        prices: told(prices.value),
        power_w: Math.round(number(power.value) * 1000),
        waits_unguarded: mayWait.value,
        quiet_from: quiet.value.from || null,
        quiet_until: quiet.value.until || null,
      });
      keep(`car.${car.vehicle_id}.prices`, prices.value);
      isSaved.value = true;
      await done();
    });
  };
  return ({ done }) => html`<details class="sheet" open=${wish.ready_by.length > 0}><summary>${icon('clock')}${say('car.wish')}</summary><form class="stack" onInput=${() => { isSaved.value = false; }} onSubmit=${(event) => save(event, done)}>
    <fieldset class="stack tight"><legend class="legend">${say('car.wish.days')}</legend>${DAYS.map((day) => html`<${Day} key=${day} day=${day} at=${days.value[day]} set=${(change) => { days.value = { ...days.value, [day]: { ...days.value[day], ...change } }; isSaved.value = false; }} />`)}</fieldset>
    <${Field} id="car-least" label=${say('car.least')} hint=${say('car.least.hint')} inputmode="numeric" required value=${least.value} onInput=${(event) => { least.value = event.target.value; }} />
    <${Field} id="car-power" label=${say('car.power')} inputmode="decimal" required value=${power.value} onInput=${(event) => { power.value = event.target.value; }} />
    <${Choices} name="prices" label=${say('car.prices')} value=${prices.value.kind} choose=${(kind) => price({ kind })} options=${PRICES.map((kind) => [kind, say(`car.prices.${kind}`)])} />
    ${mustSayPrices && prices.value.kind === 'none' ? html`<${Note} kind="wait"><p>${say('car.prices.lost')}</p><//>` : null}
    ${prices.value.kind === 'none' ? html`<p class="small quiet">${say('car.prices.text')}</p>` : html`<div class="pair">
      <${Field} id="car-price" label=${say(prices.value.kind === 'fixed' ? 'car.price' : 'car.price.day')} inputmode="decimal" required value=${prices.value.day} onInput=${(event) => price({ day: event.target.value })} />
      <${Field} id="car-currency" label=${say('car.currency')} required pattern="[A-Za-z]{3}" value=${prices.value.currency} onInput=${(event) => price({ currency: event.target.value })} /></div>`}
    ${prices.value.kind === 'time_of_use' ? html`<${Field} id="car-price-night" label=${say('car.price.night')} inputmode="decimal" required value=${prices.value.night} onInput=${(event) => price({ night: event.target.value })} />
      <div class="pair"><${Field} id="car-night-from" type="time" step="900" label=${say('car.night.from')} required value=${prices.value.begins} onInput=${(event) => price({ begins: event.target.value })} />
      <${Field} id="car-night-until" type="time" step="900" label=${say('car.night.until')} required value=${prices.value.ends} onInput=${(event) => price({ ends: event.target.value })} /></div>` : null}
    <div class="row apart wrap"><p><span class="strong">${say('car.home')}</span><br /><span class="small quiet">${say(home.value ? 'car.home.is' : 'car.home.none')}</span></p>
      ${home.value ? html`<button type="button" class="button plain" onClick=${() => { home.value = null; isSaved.value = false; }}>${say('car.home.forget')}</button>` : html`<button type="button" class="button line" aria-disabled=${locating.busy.value} onClick=${here}>${icon('locate')}${say('car.home.here')}</button>`}</div>
    ${locating.error.value ? html`<${Note} sign="locate"><p role="status">${say('locate.failed')}</p><//>` : null}
    <div class="pair"><${Field} id="car-quiet-from" type="time" label=${say('car.quiet.from')} value=${quiet.value.from} onInput=${(event) => { quiet.value = { ...quiet.value, from: event.target.value }; }} />
      <${Field} id="car-quiet-until" type="time" label=${say('car.quiet.until')} value=${quiet.value.until} onInput=${(event) => { quiet.value = { ...quiet.value, until: event.target.value }; }} /></div>
    ${car.can.includes('schedule') ? null : html`<label class="switch flat"><span>${say('car.may.wait')}<br /><span class="small quiet">${say('car.may.wait.text')}</span></span><input type="checkbox" role="switch" checked=${mayWait.value} onChange=${() => { mayWait.value = !mayWait.value; }} /></label>`}
    ${saving.error.value ? html`<${Wrong} error=${saving.error.value} />` : null}
    <button class="button line wide" aria-disabled=${saving.busy.value}>${say(isSaved.value ? 'saved' : 'save')}</button></form></details>`;
});
