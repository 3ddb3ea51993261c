// My cars: those that tell how full they are, and those whose driver does. Linking goes to the maker's own door and back.
import { html, part, plain, signal, place, replace } from '../../parts/view.js';
import { percent, say } from '../../parts/words.js';
import { get, isKnown, post } from '../../parts/api.js';
import { Empty, Field, Head, Note, Read, Wrong, deed, icon, reading } from '../../parts/blocks.js';
import { NeedsLogin } from '../login.js';
import { Choices } from '../wishes.js';
import { stateOf, toldAt } from '../cars.js';

const SHARINGS = ['none', 'coarse', 'precise'];
// What matters most first.
const ABILITIES = ['percent', 'battery_wh', 'plugged', 'charging', 'limit', 'position', 'push', 'start_stop', 'schedule', 'set_limit', 'set_amps', 'wake'];
const named = (maker) => maker.slice(0, 1).toUpperCase() + maker.slice(1);

const Row = plain(({ it }) => {
  const state = stateOf(it);
  return html`<li><a class="row-link" href=${`#/car/${encodeURIComponent(it.vehicle_id)}`}>${icon('plug')}
    <div class="grow"><p class="strong">${it.name}</p><p class="small quiet figures">${it.percent ? `${percent(it.percent.value)} · ${toldAt(it.percent)}` : say('car.percent.unknown')}</p></div>
    <span class=${`badge ${state.tone}`}>${state.text}</span>${icon('next', 'small')}</a></li>`;
});

const List = part((_, life) => {
  const cars = reading(async () => (await get('/v1/me/vehicles')).items);
  life.begun(cars.load);
  return () => html`<div class="page"><${Head} title=${say('cars')} to="/me" /><${Read} from=${cars} text=${say('cars.looks')}>${(items) => html`<div class="stack wide">
    ${items.length === 0 ? html`<${Empty} sign="plug" title=${say('cars.none')}><p>${say('cars.none.next')}</p><//>` : html`<ul class="rows">${items.map((it) => html`<${Row} key=${it.vehicle_id} it=${it} />`)}</ul>`}
    <a class="button main wide huge" href="#/cars/new">${say('car.add')}</a></div>`}<//></div>`;
});

// Who is gone to the maker comes back to this app with what the maker says in its address (app.js hands it on).
const New = part((_, life) => {
  const makers = reading(async () => (await get('/v1/me/vehicles/makers')).items);
  life.begun(makers.load);
  return () => html`<div class="page"><${Head} title=${say('car.add')} to="/cars" /><div class="stack wide">
    <${Read} from=${makers} text=${say('cars.looks')}>${(items) => (items.length ? html`<${AtMaker} items=${items} />` : html`<p class="quiet">${say('car.makers.none')}</p>`)}<//>
    <${ByHand} /></div></div>`;
});

const AtMaker = part(({ items }, life) => {
  const chosen = signal(items[0].maker);
  const sharing = signal(SHARINGS[0]);
  const going = deed();
  const go = (event) => {
    event.preventDefault();
    going.run(async () => {
      const { url } = await post('/v1/me/vehicles/links', { maker: chosen.value, position_sharing: sharing.value });
      if (!life.isHere()) return;
      location.assign(url);
      // The page stays busy until the other one is there.
      await new Promise(() => {});
    });
  };
  return () => {
    const it = items.find(({ maker }) => maker === chosen.value);
    const asked = new Set(it.scopes.flatMap(({ opens }) => opens));
    const isPlaceable = it.can.includes('position');
    return html`<form class="stack" onSubmit=${go}>
      <${Choices} name="maker" label=${say('car.maker')} value=${chosen.value} choose=${(maker) => { chosen.value = maker; }} options=${items.map(({ maker }) => [maker, named(maker)])} />
      <section class="sheet stack tight"><h2>${say('car.asks', { maker: named(it.maker) })}</h2><ul class="stack tight">${ABILITIES.filter((one) => asked.has(one) && it.can.includes(one) && (one !== 'position' || sharing.value !== 'none')).map((one) => html`<li key=${one} class="row">${icon('check', 'small')}<span>${say(`car.can.${one}`)}</span></li>`)}</ul>
        <p class="small quiet">${say('car.asks.text')}</p></section>
      ${isPlaceable ? html`<${Choices} name="sharing" label=${say('car.position')} value=${sharing.value} choose=${(one) => { sharing.value = one; }} options=${SHARINGS.map((one) => [one, say(`car.position.${one}`)])} />
        <p class="small quiet">${say('car.position.text')}</p>` : null}
      ${going.error.value ? html`<${Wrong} error=${going.error.value} />` : null}
      <button class="button main wide huge" aria-disabled=${going.busy.value}>${say(going.busy.value ? 'car.goes' : 'car.go', { maker: named(it.maker) })}</button></form>`;
  };
});

const ByHand = part((_, life) => {
  const [name, battery] = [signal(''), signal('')];
  const adding = deed();
  const add = (event) => {
    event.preventDefault();
    adding.run(async () => {
      const whole = Math.round(Number(battery.value.replace(',', '.')) * 1000);
      const made = await post('/v1/me/vehicles', { name: name.value.trim(), battery_wh: whole || null });
      life.replace(`/car/${encodeURIComponent(made.vehicle_id)}`);
    });
  };
  return () => html`<details class="sheet"><summary>${say('car.by.hand')}</summary><form class="stack" onSubmit=${add}><p class="small quiet">${say('car.by.hand.text')}</p>
    <${Field} id="car-name" label=${say('car.name')} required maxlength="60" value=${name.value} onInput=${(event) => { name.value = event.target.value; }} />
    <${Field} id="car-battery" label=${say('car.battery')} inputmode="decimal" value=${battery.value} onInput=${(event) => { battery.value = event.target.value; }} />
    ${adding.error.value ? html`<${Wrong} error=${adding.error.value} />` : null}
    <button class="button line wide" aria-disabled=${adding.busy.value}>${say('car.by.hand.add')}</button></form></details>`;
});

const Back = part((_, life) => {
  const linking = deed();
  const { query } = place.value;
  const finish = () => linking.run(async () => {
    const { items } = await post('/v1/me/vehicles/callback', { state: query.get('state') ?? '', code: query.get('code') ?? '', user_id: query.get('user_id') ?? '', error: query.get('error') ?? '' });
    life.replace(items.length === 1 ? `/car/${encodeURIComponent(items[0].vehicle_id)}` : '/cars');
  });
  life.begun(() => { finish(); });
  return () => html`<div class="page"><${Head} title=${say('car.add')} to="/cars" /><div class="stack">
    ${linking.error.value ? html`<${Wrong} error=${linking.error.value} again=${linking.error.value.code === 'no_line' ? finish : null} /><a class="button main wide huge" href="#/cars/new">${say('car.add.again')}</a>`
      : html`<${Note} kind="fact" sign="clock"><p role="status">${say('car.links')}</p><//>`}</div></div>`;
});

export default part(() => () => {
  if (!isKnown.value) return html`<${NeedsLogin} title=${say('cars')} sign="plug" />`;
  const [, what] = place.value.parts;
  return what === 'new' ? html`<${New} />` : what === 'back' ? html`<${Back} />` : html`<${List} />`;
});
