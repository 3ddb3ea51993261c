// A charger: what is free, what it costs for me, and the one thing to do. Its printed code leads here.
import { html, part, plain, signal, inOrder, place } from '../../parts/view.js';
import { duration, kwWhole, money, price, say } from '../../parts/words.js';
import { get, isKnown, newKey, post } from '../../parts/api.js';
import { Facts, Head, Note, Waits, Wrong, deed, icon } from '../../parts/blocks.js';
import { canStart, connectorState } from '../charge.js';
import { Choices, LimitFields, ReadyFields, limitsOf, noWish, preferencesOf } from '../wishes.js';
import { Debts, running } from '../mine.js';
import { FaultReport } from '../faults.js';

const AGAIN_S = 5;
const QUOTED_WH = 20_000;

export default part((_, life) => {
  const [, id, wanted] = place.value.parts;
  const path = `/v1/chargers/${encodeURIComponent(id)}`;
  const charger = signal(null);
  const failed = signal(null);
  const chosen = signal(wanted ?? null);
  const quote = signal(null);
  const me = signal(null);
  const wallets = signal([]);
  // Who pays for me here, if anybody; and who shall this time.
  const payer = signal(null);
  const pays = signal('self');
  const untouched = noWish();
  const wish = signal(untouched);
  const starting = deed();
  const keeping = deed();
  const watching = deed();
  const isTold = signal(false);
  const isReporting = signal(false);
  let key = newKey();

  let organisations = [];
  function offer() {
    const found = organisations.find((it) => it.operator_id === charger.value?.operator_id && it.is_active) ?? null;
    if (!found || payer.value) return;
    payer.value = found;
    if (found.pays_by_default) pays.value = 'organisation';
  }

  const loading = inOrder();
  async function load() {
    const isNewer = loading();
    try {
      const told = await get(path);
      if (!isNewer()) return;
      failed.value = null;
      charger.value = told;
      offer();
      if (!told.connectors.some((it) => it.connector === chosen.value)) {
        chosen.value = (told.connectors.find((it) => canStart(it, told.online)) ?? told.connectors[0])?.connector ?? null;
      }
    } catch (error) {
      if (isNewer()) failed.value = error;
    }
  }
  const quoting = inOrder();
  async function ask() {
    const isNewer = quoting();
    const told = await get(`${path}/quote?connector=${encodeURIComponent(chosen.value ?? '1')}&energy_wh=${QUOTED_WH}`).catch(() => null);
    if (isNewer()) quote.value = told;
  }

  life.begun(() => {
    const loaded = load();
    loaded.then(ask);
    if (isKnown.value) {
      get('/v1/me').then((told) => { me.value = told; }).catch(() => {});
      get('/v1/me/wallets').then(({ items }) => { wallets.value = items; }).catch(() => {});
      get('/v1/me/organisations').then(({ items }) => { organisations = items; }).catch(() => {}).then(offer);
      Promise.all([get('/v1/me/charging-preferences'), loaded]).then(([{ items }]) => { usually(items); }).catch(() => {});
    }
    const timer = setInterval(() => { if (!document.hidden) load(); }, AGAIN_S * 1000);
    return () => clearInterval(timer);
  });

  function usually(items) {
    const site = charger.value?.site_id;
    const usual = items.find((it) => site && it.site_id === site) ?? items.find((it) => it.site_id === null);
    if (usual) wish.value = { ...wish.value, usual, when: wish.value === untouched ? 'usual' : wish.value.when };
  }

  // A deposit is no way to pay where the price, or its connector, is another by now.
  const who = () => (pays.value === 'deposit' && !quote.value?.takes_deposit ? 'self' : pays.value);
  const where = () => ({ charger_id: id, connector: chosen.value });
  const back = () => `?then=${encodeURIComponent(`/charger/${encodeURIComponent(id)}/${chosen.value}`)}`;

  const start = () => starting.run(async () => {
    if (me.value?.terms_of_use?.is_required && !me.value.terms_of_use.is_accepted) {
      const { call } = await import('../../parts/api.js');
      me.value = await call('PUT', '/v1/me/terms', { version: me.value.terms_of_use.version });
    }
    const body = { ...where(), limits: limitsOf(wish.value, charger.value.prices?.currency ?? 'EUR'), preferences: preferencesOf(wish.value), ...(payer.value || quote.value?.takes_deposit ? { pays: who() } : {}) };
    try {
      const session = await post('/v1/sessions', body, { key });
      // Who has gone elsewhere meanwhile finds it below.
      running.value = `/session/${session.session_id}`;
      life.go(running.value);
    } catch (error) {
      // Another try is another wish, unless nobody knows what became of this one.
      if (error.code !== 'no_line') key = newKey();
      if (error.code === 'no_card') life.go(`/cards/new${back()}`);
      throw error;
    }
  });
  const reserve = () => keeping.run(async () => {
    const kept = await post('/v1/reservations', where(), { key: newKey() });
    life.go(`/reservation/${kept.reservation_id}`);
  });
  const watch = () => watching.run(async () => {
    await post('/v1/me/watches', where());
    isTold.value = true;
  });

  return () => {
    const it = charger.value;
    if (it === null) {
      return html`<div class="page"><${Head} title=${id} to="/" />${failed.value
        ? html`<${Wrong} error=${failed.value} again=${load} /><p><a href="#/scan">${say('scan.other')}</a></p>`
        : html`<${Waits} text=${say('charger.looks')} />`}</div>`;
    }
    const connector = it.connectors.find((one) => one.connector === chosen.value);
    const isFree = connector && canStart(connector, it.online);
    const ways = [...(payer.value ? [['organisation', say('pays.organisation', { name: payer.value.name, amount: money(payer.value.left_minor, payer.value.currency) })]] : []), ['self', say('pays.self')],
      ...(isKnown.value && quote.value?.takes_deposit ? [['deposit', say('pays.deposit')]] : [])];
    const wallet = who() === 'self' && wallets.value.find((one) => one.currency === it.prices?.currency && one.balance_minor > 0);
    // A wallet that is good for what is set aside needs no card.
    const hasMeans = who() !== 'self' || me.value?.card || (wallet && quote.value && wallet.balance_minor >= quote.value.hold_minor);
    return html`<div class="page two"><${Head} title=${it.site?.name ?? it.site_name} to="/" />
      <div class="halves">
        <div class="stack wide">
          <div><p class="quiet">${it.address}</p>
            <p class="row wrap"><span class="strong">${it.charger_id}</span>
            ${it.site?.is_open === false ? html`<span class="badge wrong">${say('site.closed')}</span>` : null}
            ${it.site?.latitude !== null && it.site ? html`<a href=${`geo:${it.site.latitude},${it.site.longitude}`}>${say('directions')}</a>` : null}</p></div>
          <${Debts} />
          ${failed.value ? html`<${Wrong} error=${failed.value} again=${load} />` : null}
          <fieldset class="rows"><legend class="unseen">${say('connector')}</legend>
            ${it.connectors.map((one) => html`<${Plug} key=${one.connector} one=${one} isThere=${it.online} isChosen=${one.connector === chosen.value}
              choose=${() => { chosen.value = one.connector; ask(); }} />`)}</fieldset>
          <${Cost} charger=${it} quote=${quote.value} wallet=${wallet} />
        </div>
        <div class="stack wide">
          ${ways.length > 1 ? html`<${Choices} name="pays" label=${say('pays')} value=${who()} choose=${(it) => { pays.value = it; }} options=${ways} />` : null}
          ${isKnown.value ? html`<details class="sheet"><summary>${icon('clock')}${wish.value.when === 'usual' ? say('usual.is', { time: wish.value.usual.ready_at }) : say('wishes')}</summary><div class="stack wide"><${LimitFields} wish=${wish} currency=${it.prices?.currency ?? 'EUR'} /><${ReadyFields} wish=${wish} /></div></details>` : null}
          ${starting.error.value ? html`<${Wrong} error=${starting.error.value} />` : null}
          ${keeping.error.value ? html`<${Wrong} error=${keeping.error.value} />` : null}
          <div class="row wrap">
            ${isKnown.value && isFree && connector.status === 'available' ? html`<button class="button line grow" aria-disabled=${keeping.busy.value} onClick=${reserve}>${icon('clock')}${say('reserve')}</button>` : null}
            ${isKnown.value && !isFree && it.online ? html`<button class="button line grow" aria-disabled=${watching.busy.value || isTold.value} onClick=${watch}>${icon('bell')}${say(isTold.value ? 'watch.set' : 'watch')}</button>` : null}
            ${isKnown.value ? html`<button class="button plain" onClick=${() => { isReporting.value = true; }}>${icon('flag')}${say('fault')}</button>` : null}
          </div>
          ${watching.error.value ? html`<${Wrong} error=${watching.error.value} />` : null}
          ${isReporting.value ? html`<${FaultReport} charger=${id} connector=${chosen.value} done=${() => { isReporting.value = false; }} />` : null}
          ${!it.online ? html`<${Note} kind="wrong"><p>${say('charger.offline')}</p><//>` : null}
        </div>
      </div>
      <div class="at-hand">
        ${!isKnown.value ? html`<a class=${`button main wide huge`} aria-disabled=${!isFree} href=${isFree ? `#/pay/${encodeURIComponent(id)}/${chosen.value}` : null}>${icon('card')}${say('pay.without')}</a>
            <a class="button line wide" href=${`#/sign-in${back()}`}>${say('sign.in.to.start')}</a>`
          : me.value && !hasMeans ? html`<a class="button main wide huge" href=${`#/cards/new${back()}`}>${icon('card')}${say('card.first')}</a>`
          : html`<button class="button main wide huge" aria-disabled=${!isFree || starting.busy.value} onClick=${() => { if (isFree) start(); }}>${icon('bolt')}${starting.busy.value ? say('start.asks') : isFree ? say('start') : say('start.not')}</button>`}
      </div></div>`;
  };
});

const Plug = plain(({ one, isThere, isChosen, choose }) => {
  const state = connectorState(one, isThere);
  return html`<label class="plug"><input type="radio" name="connector" checked=${isChosen} onChange=${choose} />
    <span class="which" aria-hidden="true">${one.connector}</span>
    <span class="grow"><span class="strong">${say(`plug.${one.kind}`)}</span><br /><span class="quiet small">${say('connector.power', { connector: one.connector, power: kwWhole(one.max_power_w) })}</span></span>
    <span class=${`badge ${state.tone}`}>${state.text}</span></label>`;
});

const Cost = plain(({ charger, quote, wallet }) => {
  const { prices } = charger;
  if (!prices) return null;
  const [first, ...rest] = prices.price;
  return html`<section class="stack tight"><h2>${say('cost')}</h2>
    ${first ? html`<p class="price-now">${price(first.amount, prices.currency)} <small>${say(`per.${first.per}`)}</small></p>` : html`<p class="price-now">${say('price.free')}</p>`}
    ${rest.map((it) => html`<p key=${it.per} class="figures">+ ${price(it.amount, prices.currency)} ${say(`per.${it.per}`)}</p>`)}
    ${quote ? html`<div class="sheet stack tight"><${Facts} rows=${[
      [say('quote', { n: QUOTED_WH / 1000 }), money(quote.total_minor, quote.currency), 'total-less'],
      [say('quote.time', { power: kwWhole(quote.power_w) }), duration(quote.charging_s)],
      quote.hold_minor > 0 && [say('quote.held'), money(quote.hold_minor, quote.currency)],
      wallet && [say('wallet.pays'), money(wallet.balance_minor, wallet.currency)],
    ]} /><p class="small quiet">${say('quote.text')}</p></div>` : null}
  </section>`;
});
