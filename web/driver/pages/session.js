// A charge as it goes, its driver's or a guest's: one screen says what happens, what will, and what it costs.
import { html, part, plain, signal, place, go } from '../../parts/view.js';
import { clockTime, dayAndTime, duration, kw, kwh, money, moment, percent, price, say, knows } from '../../parts/words.js';
import { call, config, get, isOnline, post, remove } from '../../parts/api.js';
import { kept, keep } from '../../parts/kept.js';
import { follow } from '../../parts/live.js';
import { now } from '../../parts/clock.js';
import { Ask, Facts, Head, Note, Read, Waits, Wrong, deed, icon, reading } from '../../parts/blocks.js';
import { isWaiting, situation } from '../charge.js';
import { isOver, running } from '../mine.js';
import { Curve } from '../curve.js';
import { Elsewhere } from '../elsewhere.js';
import { Match } from '../cars.js';
import { ChargeNow, Wishes, outcome } from '../wishes.js';

// Whose charge it is: how it is asked for, and stopped.
function door(kind, id) {
  if (kind === 'guest') {
    const headers = { 'Checkout-Secret': kept(`guest.${id}`)?.secret ?? '' };
    const path = `/v1/adhoc/checkouts/${encodeURIComponent(id)}`;
    const as = (told) => ({ ...told.session, receipt_url: told.receipt_url, isGuest: true });
    return {
      load: async () => as(await get(path, { headers, isOpen: true })),
      stop: async () => as(await remove(path, undefined, { headers, isOpen: true })),
    };
  }
  const path = `/v1/sessions/${encodeURIComponent(id)}`;
  return { load: () => get(path), stop: () => remove(path) };
}

export default part(({ name }, life) => {
  const id = place.value.parts[1];
  const known = `session.${id}`;
  const { load, stop } = door(name, id);
  const last = kept(known);
  const view = follow(load, { keeps: name === 'guest' ? ['isGuest', 'receipt_url'] : [] });
  const isAsked = signal(false);
  const stopping = deed();
  // A stop that could not be told stays wished, and is told once the line is back.
  const wish = signal(kept(`stop.${id}`));

  async function tellStop() {
    isAsked.value = false;
    keep(`stop.${id}`, true);
    wish.value = true;
    await stopping.run(async () => {
      const told = await stop();
      keep(`stop.${id}`, null);
      wish.value = null;
      view.take({ ...view.session.value, ...told });
      view.ask();
    });
    if (stopping.error.value && stopping.error.value.code !== 'no_line') {
      keep(`stop.${id}`, null);
      wish.value = null;
      if (stopping.error.value.code === 'session_over') stopping.error.value = null;
      view.ask();
    }
  }

  const repeat = () => { if (kept(`stop.${id}`)) tellStop(); };
  addEventListener('online', repeat);
  const unwatch = view.session.subscribe((session) => {
    if (session === null) return;
    // A charge that is over is in the history: only what runs is shown without a line.
    keep(known, isOver(session) && !session.isGuest ? null : { session: { ...session, live_socket: null, live_url: null, action: null }, at: Date.now() });
    if (isOver(session)) {
      if (running.value === place.value.path) {
        running.value = null;
        keep('running', null);
      }
    } else {
      running.value = place.value.path;
      keep('running', place.value.path);
      if (wish.value && isOnline.value && !stopping.busy.value && session.state !== 'stopping') queueMicrotask(repeat);
    }
  });
  life.ended(() => {
    unwatch();
    view.end();
    removeEventListener('online', repeat);
  });

  return () => {
    const session = view.session.value ?? last?.session ?? null;
    if (session === null) {
      return html`<div class="page"><${Head} title=${say('session')} to="/" />
        ${view.error.value ? html`<${Wrong} error=${view.error.value} again=${view.ask} />` : html`<${Waits} text=${say('session.opens')} />`}</div>`;
    }
    const heardAt = view.session.value ? view.heardAt.value : last.at;
    const isLast = view.session.value === null || view.isStale(now.value);
    return html`<div class="page two"><${Head} title=${session.site?.name ?? session.charger_id} to="/" />
      <div class="halves">
        <div class="stack">
          ${isLast ? html`<${Note} kind="wait" sign="clock"><p role="status">${say('stale', { time: clockTime(heardAt) })}</p><//>` : null}
          <${Now} session=${session} />
          ${isWaiting(session, now.value) && session.plan.waits_for !== 'shares_power' && !session.isGuest ? html`<${ChargeNow} session=${session} done=${view.ask} />` : null}
          ${session.state === 'active' && !session.isGuest ? html`<${Match} session=${session} done=${view.ask} />` : null}
          ${session.state === 'initiated' && session.held_minor === null && session.deposit_url ? html`<${Deposit} session=${session} done=${view.ask} />` : null}
          ${session.action ? html`<${Confirmation} session=${session} done=${view.ask} />` : null}
          ${wish.value && !isOver(session) ? html`<${Note} kind="wait" sign="clock"><p role="status">${isOnline.value ? say('stop.told') : say('stop.waits')}</p><//>` : null}
          ${stopping.error.value && stopping.error.value.code !== 'no_line' ? html`<${Wrong} error=${stopping.error.value} />` : null}
          ${session.state === 'failed' ? html`<${Elsewhere} session=${session} />` : null}
          ${session.state === 'completed' ? html`<${Done} session=${session} />` : null}
        </div>
        <div class="stack">
          <${Money} session=${session} />
          ${session.plan || session.preferences ? html`<${Plan} session=${session} />` : null}
          ${session.started_at && !session.isGuest ? html`<${Curve} session=${session} />` : null}
          ${session.state === 'active' && !session.isGuest ? html`<${Wishes} session=${session} done=${view.ask} />` : null}
          <${Where} session=${session} />
        </div>
      </div>
      ${isOver(session) ? null : html`<div class="at-hand"><button class=${`button wide huge ${session.state === 'initiated' ? 'line' : 'stop'}`} aria-disabled=${stopping.busy.value || session.state === 'stopping'}
        onClick=${() => { if (session.state !== 'stopping') isAsked.value = true; }}>${say(session.state === 'initiated' ? 'stop.cancel' : session.state === 'stopping' ? 'stop.stopping' : 'stop')}</button></div>`}
      ${isAsked.value ? html`<${Ask} kind="stop" title=${say('stop.ask')} text=${say('stop.ask.text')} yes=${say('stop.yes')} no=${say('stop.no')}
        onYes=${tellStop} onNo=${() => { isAsked.value = false; }} />` : null}
    </div>`;
  };
});

export const Now = plain(({ session }) => {
  const told = situation(session, now.value);
  const hasBegun = session.started_at !== null && session.state !== 'failed';
  return html`<section class="now" aria-label=${say('now')}>
    <p class=${`state ${told.tone}`} role="status">${icon({ go: 'bolt', wait: 'clock', wrong: 'warn', over: 'check' }[told.tone], told.tone === 'go' ? 'breathes' : '')}<span>${told.title}</span></p>
    ${told.countdown && !hasBegun ? html`<p class="huge" role="timer">${told.countdown}</p>` : null}
    ${hasBegun ? html`<p class="huge"><span data-figure="energy">${kwh(session.energy_wh)}</span><small>${say('unit.kwh')}</small></p>
      <p class="price-now"><span data-figure="cost">${money(session.cost.total_minor, session.cost.currency)}</span> <small>${say(isOver(session) ? 'cost.total' : 'cost.so.far')}</small></p>` : null}
    <p class="quiet">${told.countdown && hasBegun ? html`<span class="figures strong">${told.countdown}</span> · ` : null}${told.next}</p>
    ${hasBegun ? html`<dl class="figures-grid">
      ${session.state === 'active' ? html`<div class="figure"><dt>${say('power')}</dt><dd>${session.power_w === null ? '–' : `${kw(session.power_w)} ${say('unit.kw')}`}</dd></div>` : null}
      <div class="figure"><dt>${say('time')}</dt><dd>${duration(session.elapsed_s)}</dd></div>
      ${session.soc_percent === null ? null : html`<div class="figure"><dt>${say('battery')}</dt><dd>${percent(session.soc_percent)}</dd></div>`}
    </dl>` : null}
    ${hasBegun && session.soc_percent !== null ? html`<div class="battery" aria-hidden="true"><i style=${{ inlineSize: `${session.soc_percent}%` }} /></div>` : null}
  </section>`;
});

const Money = plain(({ session }) => {
  const { cost, held_minor: held, paid_minor: paid } = session;
  const currency = cost.currency;
  return html`<section class="sheet stack tight"><h2>${say('money')}</h2>
    <${Facts} rows=${[
      ...session.prices.price.map((it) => [say(`per.${it.per}`), say('price.with.tax', { price: price(it.amount, session.prices.currency) })]),
      session.state !== 'failed' && [say(isOver(session) ? 'cost.total' : 'cost.so.far'), money(cost.total_minor, currency), 'total'],
      session.paid_by_organisation && [say('organisation.pays'), session.paid_by_organisation],
      paid !== null && [say('paid'), money(paid, currency)],
      session.due_minor > 0 && [say('due'), money(session.due_minor, currency)],
      session.waived_minor > 0 && [say('waived'), money(session.waived_minor, currency)],
      session.written_off_minor > 0 && [say('written.off'), money(session.written_off_minor, currency)],
      session.refunded_minor > 0 && [say('refunded'), money(session.refunded_minor, currency)],
    ]} />
    ${held !== null && !isOver(session) ? html`<p class="small quiet">${icon('lock', 'small')} ${say('held', { amount: money(held, currency) })}</p>` : null}
  </section>`;
});

const Plan = plain(({ session }) => {
  const { plan, preferences } = session;
  return html`<section class="sheet stack tight"><h2>${say('plan')}</h2>
    <${Facts} rows=${[
      preferences?.ready_by && [say('plan.ready.by'), moment(preferences.ready_by)],
      plan && [say('plan.starts'), moment(plan.starts_at)],
      plan?.ready_at && [say('plan.ready.at'), moment(plan.ready_at)],
      plan && [say('plan.cost'), money(plan.cost_minor, session.cost.currency)],
      plan?.unmet_wh > 0 && [say('plan.unmet'), `${kwh(plan.unmet_wh, 1)} ${say('unit.kwh')}`],
    ]} />
    ${preferences && !plan ? html`<p class="small quiet">${outcome(preferences)}</p>` : null}
    ${plan?.waits_for ? html`<p class="small quiet">${say(`now.planned.${plan.waits_for}`)}</p>` : null}
  </section>`;
});

const Where = plain(({ session }) => html`<section class="sheet stack tight"><h2>${say('where')}</h2>
  <p>${session.site?.name ?? session.site_id}<br /><span class="quiet">${session.site?.address ?? ''}</span></p>
  <${Facts} rows=${[
    [say('charger'), session.charger_id],
    [say('connector'), session.connector],
    session.started_at && [say('began'), moment(session.started_at)],
  ]} /></section>`);

const Done = part(() => {
  const freeing = deed();
  const said = signal(null);
  return ({ session }) => html`<div class="stack tight">
    ${session.receipt_url ? html`<a class="button main wide huge" href=${session.isGuest ? config.api + session.receipt_url : `#/receipt/${session.session_id}`}>${icon('history')}${say('receipt')}</a>`
      : session.due_minor > 0 ? html`<a class="button main wide huge" href="#/balance">${say('balance.pay')}</a>`
      : html`<p role="status" class="quiet">${session.cost.total_minor > 0 ? say('receipt.waits') : ''}</p>`}
    ${session.isGuest ? null : html`<button class="button line wide" aria-disabled=${freeing.busy.value} onClick=${() => freeing.run(async () => {
      const told = await call('POST', `/v1/sessions/${session.session_id}/unlock`, {});
      said.value = told.is_unlocked === null ? 'unlock.asked' : told.is_unlocked ? 'unlock.done' : 'unlock.refused';
    })}>${icon('lock')}${say('unlock')}</button>`}
    ${said.value ? html`<p role="status">${say(said.value)}</p>` : null}
    ${freeing.error.value ? html`<${Wrong} error=${freeing.error.value} />` : null}
    ${session.isGuest ? html`<p class="small quiet">${say('guest.keep')}</p>` : null}
    ${session.reason && knows(`ended.${session.reason}`) ? html`<p class="quiet">${say(`ended.${session.reason}`)}</p>` : null}
    <button class="button plain" onClick=${() => go('/')}>${say('find.another')}</button>
  </div>`;
});

// The bank asks its cardholder: Stripe shows how, or here its stand-in.
const Confirmation = part(() => {
  const asking = deed();
  return ({ session, done }) => html`<section class="sheet stack">
    <p>${say('bank.text', { amount: money(session.held_minor ?? session.prices.hold_minor, session.cost.currency) })}</p>
    <button class="button main wide huge" aria-disabled=${asking.busy.value} onClick=${() => asking.run(async () => {
      const { confirm } = await (await import('../../parts/stripe.js')).stripe();
      await confirm(session.action);
      done();
    })}>${say('bank.confirm')}</button>
    ${asking.error.value ? html`<${Wrong} error=${asking.error.value} />` : null}
  </section>`;
});

// A minute's blocks are looked at three times; whoever says that they have sent it has it looked at now.
const DEPOSIT_LOOKS_MS = 20_000;

// What to sign for a deposit on chain, and whether it is there. Their driver's own wallet signs: no key is ever here.
const Deposit = part(({ session, done }, life) => {
  const wanted = reading(() => get(session.deposit_url));
  const signing = deed();
  const looking = deed();
  const isSent = signal(false);
  const look = () => looking.run(async () => {
    wanted.take(await post(session.deposit_url));
    if (wanted.value.value.state !== 'awaited') done();
  });
  life.begun(() => {
    wanted.load();
    const timer = setInterval(() => { if (!document.hidden && wanted.value.value?.state === 'awaited') look(); }, DEPOSIT_LOOKS_MS);
    return () => clearInterval(timer);
  });
  const sign = (it) => signing.run(async () => {
    const wallet = globalThis.ethereum;
    const [from] = await wallet.request({ method: 'eth_requestAccounts' });
    const chainId = `0x${it.chain_id.toString(16)}`;
    if (await wallet.request({ method: 'eth_chainId' }) !== chainId) await wallet.request({ method: 'wallet_switchEthereumChain', params: [{ chainId }] });
    await wallet.request({ method: 'eth_sendTransaction', params: [{ from, to: it.contract, data: it.data, value: `0x${BigInt(it.units).toString(16)}` }] });
    isSent.value = true;
  });
  const link = (it) => `ethereum:${it.contract}@${it.chain_id}/deposit?bytes32=${it.session_name}&address=${it.operator}&address=${it.payee}&uint256=${Date.parse(it.expires_at) / 1000}&value=${it.units}`;
  return () => html`<section class="sheet stack"><h2>${say('deposit')}</h2><p class="small quiet">${say('deposit.text')}</p>
    <${Read} from=${wanted} text=${say('deposit.looks')}>${(it) => html`<div class="stack">
      ${isSent.value ? html`<${Note} kind="wait" sign="clock"><p role="status">${say('deposit.sent', { n: it.confirmations })}</p><//>`
        : globalThis.ethereum ? html`<button class="button main wide huge" aria-disabled=${signing.busy.value} onClick=${() => sign(it)}>${say('deposit.sign', { amount: money(session.prices.hold_minor, session.prices.currency) })}</button>`
        : html`<a class="button main wide huge" href=${link(it)}>${say('deposit.open')}</a>`}
      ${signing.error.value ? html`<div role="alert"><${Note} kind="wrong"><p>${say('deposit.not.signed')}</p><//></div>` : null}
      <${Facts} rows=${[
        [say('deposit.least'), money(session.prices.hold_minor, session.prices.currency)],
        [say('deposit.units'), it.units],
        [say('deposit.contract'), it.contract],
        [say('deposit.chain'), String(it.chain_id)],
        [say('deposit.until'), dayAndTime(it.expires_at)],
      ]} />
      <details><summary>${say('deposit.data')}</summary><p class="small">${it.data}</p></details>
      <button class="button line wide" aria-disabled=${looking.busy.value} onClick=${look}>${say('deposit.look')}</button></div>`}<//>
    ${looking.error.value ? html`<${Wrong} error=${looking.error.value} />` : null}
  </section>`;
});
