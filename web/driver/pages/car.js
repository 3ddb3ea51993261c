// One car: how full it is and as of when, its night, when it is to be ready, what is known of where it is.
import { html, part, plain, signal, place } from '../../parts/view.js';
import { kwh, moment, money, percent, say } from '../../parts/words.js';
import { get, isKnown, post, put, remove } from '../../parts/api.js';
import { Ask, Facts, Field, Head, Note, Read, Wrong, deed, icon, reading } from '../../parts/blocks.js';
import { NeedsLogin } from '../login.js';
import { Choices } from '../wishes.js';
import { pathOf, stateOf, toldAt } from '../cars.js';
import { CarWish } from '../car_wish.js';

const SHARINGS = ['none', 'coarse', 'precise'];
const none = (error) => { if (error.code === 'not_found') return null; throw error; };

const Now = plain(({ car }) => {
  const state = stateOf(car);
  return html`<section class="now" aria-label=${say('now')}>
    <p class=${`state ${state.tone}`} role="status">${icon({ go: 'bolt', wait: 'plug', wrong: 'warn' }[state.tone] ?? 'plug')}<span>${state.text}</span></p>
    ${car.percent ? html`<p class="huge"><span data-figure="percent">${percent(car.percent.value)}</span></p><p class="quiet">${toldAt(car.percent)}${car.limit_percent ? ` · ${say('car.limit', { percent: percent(car.limit_percent.value) })}` : ''}</p>
      <div class="battery" aria-hidden="true"><i style=${{ inlineSize: `${car.percent.value}%` }} /></div>` : html`<p class="quiet">${say('car.percent.unknown')}</p>`}
  </section>`;
});

const ByHand = part(({ car }) => {
  const full = signal(String(car.percent?.value ?? ''));
  const saving = deed();
  return ({ done }) => html`<form class="sheet stack tight" onSubmit=${(event) => { event.preventDefault(); saving.run(async () => { await put(`${pathOf(car.vehicle_id)}/percent`, { percent: Math.round(Number(full.value)) }); await done(); }); }}>
    <${Field} id="car-percent" label=${say('car.percent')} hint=${say('car.percent.hint')} inputmode="numeric" required pattern="[0-9]{1,3}" value=${full.value} onInput=${(event) => { full.value = event.target.value; }} />
    ${saving.error.value ? html`<${Wrong} error=${saving.error.value} />` : null}
    <button class="button main wide" aria-disabled=${saving.busy.value}>${say('save')}</button></form>`;
});

const Night = part(({ car }) => {
  const charging = deed();
  return ({ night, done }) => {
    const saved = night?.saved_micros > 0 && night.currency ? money(Math.round(night.saved_micros / 10_000), night.currency) : null;
    return html`<section class="sheet stack tight"><h2>${say('car.night')}</h2>
      ${night && !night.ended_at ? html`<${Facts} rows=${[
        night.departs_at && [say('car.departs'), `${moment(night.departs_at)} · ${percent(night.percent)}`],
        !night.charges_now && night.starts_at && [say('plan.starts'), moment(night.starts_at)],
        !night.charges_now && night.ready_at && [say('plan.ready.at'), moment(night.ready_at)],
        night.unmet_wh > 0 && [say('plan.unmet'), `${kwh(night.unmet_wh, 1)} ${say('unit.kwh')}`],
        night.cost_micros > 0 && night.currency && [say('plan.cost'), money(Math.round(night.cost_micros / 10_000), night.currency)],
        saved && [say('car.saved'), saved],
      ]} /><p class="small quiet">${night.charges_now ? say('car.charges.now') : night.controller ? say(`car.by.${night.controller}`) : ''}</p>` : html`<p class="quiet">${say('car.night.none')}</p>`}
      ${charging.error.value ? html`<${Wrong} error=${charging.error.value} />` : null}
      ${night && !night.ended_at && !night.charges_now ? html`<button class=${`button wide huge ${car.standing === 'linked' ? 'main' : 'line'}`} aria-disabled=${charging.busy.value} onClick=${() => charging.run(async () => { await post(`${pathOf(car.vehicle_id)}/charge-now`); await done(); })}>${icon('bolt')}${say('car.charge.now')}</button>` : null}</section>`;
  };
});

const Position = part(({ car }) => {
  const saving = deed();
  return ({ done }) => html`<section class="sheet stack tight">
    <${Choices} name="sharing" label=${say('car.position')} value=${car.position_sharing} choose=${(sharing) => saving.run(async () => { await put(`${pathOf(car.vehicle_id)}/position`, { sharing }); await done(); })} options=${SHARINGS.map((it) => [it, say(`car.position.${it}`)])} />
    <p class="small quiet">${car.position ? say('car.position.known', { time: moment(car.position.at) }) : say('car.position.text')}</p>
    ${saving.error.value ? html`<${Wrong} error=${saving.error.value} />` : null}</section>`;
});

const Remove = part(({ car }, life) => {
  const isAsked = signal(false);
  const removing = deed();
  const withdraw = signal(null);
  const leave = () => removing.run(async () => {
    isAsked.value = false;
    withdraw.value = (await remove(pathOf(car.vehicle_id))).withdraw_at;
    if (!withdraw.value) life.go('/cars');
  });
  return () => html`<div class="stack tight">${removing.error.value ? html`<${Wrong} error=${removing.error.value} />` : null}
    ${withdraw.value ? html`<${Note} kind="fact" sign="lock"><p role="status">${say('car.withdraw')}</p><p><a href=${withdraw.value} rel="noreferrer">${withdraw.value}</a></p><a class="button plain" href="#/cars">${say('cars')}</a><//>`
      : html`<button class="button plain" aria-disabled=${removing.busy.value} onClick=${() => { isAsked.value = true; }}>${say(car.standing === 'manual' ? 'car.remove' : 'car.unlink')}</button>`}
    ${isAsked.value ? html`<${Ask} kind="stop" title=${say('car.unlink.ask', { name: car.name })} text=${say('car.unlink.text')} yes=${say('car.unlink.yes')} no=${say('cancel')} onYes=${leave} onNo=${() => { isAsked.value = false; }} />` : null}</div>`;
});

export default part((_, life) => {
  const id = place.value.parts[1];
  const it = reading(async () => {
    const [car, night, wish] = await Promise.all([get(pathOf(id)), get(`${pathOf(id)}/night`).catch(none), get(`${pathOf(id)}/wish`)]);
    return { car, night, wish };
  });
  life.begun(() => {
    if (!isKnown.value) return undefined;
    it.load();
    const timer = setInterval(() => { if (!document.hidden) it.load(); }, 30_000);
    return () => clearInterval(timer);
  });
  return () => {
    if (!isKnown.value) return html`<${NeedsLogin} title=${say('cars')} sign="plug" />`;
    return html`<div class="page"><${Head} title=${it.value.value?.car.name ?? say('car')} to="/cars" /><${Read} from=${it} text=${say('cars.looks')}>${({ car, night, wish }) => html`<div class="stack wide">
      <${Now} car=${car} />
      ${car.standing === 'link_broken' ? html`<${Note} kind="wrong"><p>${say('car.link.broken')}</p><a class="button plain" href="#/cars/new">${say('car.add.again')}</a><//>` : null}
      ${car.standing === 'linked' ? null : html`<${ByHand} car=${car} done=${it.load} />`}
      <${Night} car=${car} night=${night} done=${it.load} />
      <${CarWish} car=${car} wish=${wish} done=${it.load} />
      ${car.standing === 'manual' ? null : html`<${Position} key=${car.position_sharing} car=${car} done=${it.load} />`}
      <${Remove} car=${car} />
    </div>`}<//></div>`;
  };
});
