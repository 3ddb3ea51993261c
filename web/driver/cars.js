// What a driver's cars say of themselves and how old that is; and which of them hangs at a session: what is guessed counts
// for nothing until they say that it is so.
import { html, part, signal } from '../parts/view.js';
import { duration, moment, percent, say } from '../parts/words.js';
import { get, put, remove } from '../parts/api.js';
import { Facts, Wrong, deed, icon } from '../parts/blocks.js';

export const pathOf = (id) => `/v1/me/vehicles/${encodeURIComponent(id)}`;

// "now", or since when: what a car said hours ago is never shown as if it were so.
export const toldAt = (told) => (told.is_fresh ? say('car.told.now') : say('car.told', { time: moment(told.at), age: duration(told.age_s) }));

export function stateOf(car) {
  if (car.standing === 'link_broken' || car.standing === 'maker_gone') return { tone: 'wrong', text: say(`car.standing.${car.standing}`) };
  if (car.charging?.is_fresh && car.charging.value === 'charging') return { tone: 'go', text: say('car.charging') };
  if (car.is_plugged?.is_fresh) return { tone: car.is_plugged.value ? 'wait' : '', text: say(car.is_plugged.value ? 'car.plugged' : 'car.unplugged') };
  return { tone: '', text: say(`car.standing.${car.standing}`) };
}

export const Match = part(({ session }, life) => {
  const cars = signal([]);
  const match = signal(null);
  const isOther = signal(false);
  const saying = deed();
  const path = `/v1/sessions/${encodeURIComponent(session.session_id)}/vehicle`;
  async function look() {
    cars.value = (await get('/v1/me/vehicles')).items;
    if (cars.value.length) match.value = (await get('/v1/me/vehicles/matches')).items.find((it) => it.session_id === session.session_id) ?? null;
  }
  life.begun(() => { look().catch(() => {}); });
  const confirm = (id) => saying.run(async () => { match.value = await put(path, { vehicle_id: id }); isOther.value = false; });
  const undo = () => saying.run(async () => { match.value = await remove(path); isOther.value = true; });
  const full = (car) => (car.percent ? ` · ${percent(car.percent.value)} · ${toldAt(car.percent)}` : '');
  return ({ done }) => {
    if (!cars.value.length) return null;
    const state = match.value?.state ?? null;
    const car = cars.value.find((it) => it.vehicle_id === match.value?.vehicle_id);
    const choose = async (id) => { await confirm(id); done(); };
    return html`<section class="sheet stack tight" aria-label=${say('car')}>
      ${state === 'confirmed' && car ? html`<${Facts} rows=${[[say('car'), `${car.name}${full(car)}`]]} /><button class="button plain" aria-disabled=${saying.busy.value} onClick=${async () => { await undo(); done(); }}>${say('match.undo')}</button>`
        : state === 'guessed' && car ? html`<h2>${say('match.ask', { name: car.name })}</h2><p class="small quiet">${say('match.text')}${full(car)}</p>
          <div class="row wrap"><button class="button line grow" aria-disabled=${saying.busy.value} onClick=${() => choose(car.vehicle_id)}>${icon('check')}${say('match.yes')}</button><button class="button plain" aria-disabled=${saying.busy.value} onClick=${undo}>${say('match.no')}</button></div>`
        : html`<h2>${say('match.which')}</h2><p class="small quiet">${say('match.text')}</p><div class="choices">${cars.value.map((it) => html`<button key=${it.vehicle_id} class="button line" aria-disabled=${saying.busy.value} onClick=${() => choose(it.vehicle_id)}>${it.name}</button>`)}</div>`}
      ${saying.error.value ? html`<${Wrong} error=${saying.error.value} />` : null}</section>`;
  };
});
