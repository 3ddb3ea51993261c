// A receipt: what was sold, what it cost, what was paid; its paper, its invoice, and the proof that it stands in the log.
import { html, part, plain, signal, place } from '../../parts/view.js';
import { dayAndTime, duration, kwh, money, number, percent, price, say } from '../../parts/words.js';
import { config, get, post } from '../../parts/api.js';
import { Facts, Head, Note, Read, Wrong, deed, reading, icon } from '../../parts/blocks.js';
import { Dispute } from '../dispute.js';
import { Proof } from '../proof.js';

// A tab that is opened after a wait is blocked by browsers: it is opened at once, and led on. Where none may be opened at
// all, a link to be touched is left in `found`: nobody is led away from the app.
function opened(linking, found, path, wish) {
  if (linking.busy.value) return;
  found.value = null;
  const tab = globalThis.open('', '_blank');
  linking.run(async () => {
    try {
      const { url } = await post(path, wish);
      if (tab && !tab.closed) tab.location = config.api + url;
      else found.value = config.api + url;
    } catch (error) {
      tab?.close();
      throw error;
    }
  });
}

const Found = plain(({ at }) => (at ? html`<div role="status"><a class="button line wide" target="_blank" rel="noopener" href=${at}>${icon('down')}${say('paper.open')}</a></div>` : null));

export default part((_, life) => {
  const id = place.value.parts[1];
  const path = `/v1/sessions/${encodeURIComponent(id)}`;
  const receipt = reading(() => get(`${path}/receipt`));
  const linking = deed();
  const found = signal(null);
  life.begun(() => { receipt.load(); });
  const open = () => opened(linking, found, `${path}/receipt/link`, { format: 'pdf', valid_days: 7 });
  return () => html`<div class="page two"><${Head} title=${say('receipt')} to="/history" />
    <${Read} from=${receipt} text=${say('receipt.looks')}>${(it) => html`<div class="halves"><div class="stack wide">
      <div><p class="price-now"><span data-figure="total">${money(it.total_minor, it.currency)}</span></p><p class="quiet">${it.paid_at ? say('receipt.paid', { amount: money(it.paid_minor, it.currency), card: it.card?.replace('wallet', say('wallet')), time: dayAndTime(it.paid_at) }) : say('now.nothing.charged')}</p></div>
      <section class="sheet stack tight"><h2>${say('receipt.lines')}</h2><${Facts} rows=${[
        ...it.lines.map((line) => [lineText(line, it.currency), money(line.amount_minor, it.currency)]),
        !it.tax_included && [say('receipt.net'), money(it.net_minor, it.currency)],
        ...it.taxes.map((tax) => [say('receipt.tax', { percent: percent(Number(tax.percent)) }), money(tax.amount_minor, it.currency)]),
        [say('cost.total'), money(it.total_minor, it.currency), 'total'],
        it.waived_minor > 0 && [say('waived'), money(it.waived_minor, it.currency)],
        it.written_off_minor > 0 && [say('written.off'), money(it.written_off_minor, it.currency)],
        it.refunded_minor > 0 && [say('refunded'), money(it.refunded_minor, it.currency)],
      ]} /></section>
      <section class="sheet stack tight"><h2>${say('receipt.charge')}</h2><${Facts} rows=${[
        [say('where'), it.site_name],
        [say('charger'), `${it.charger_id} · ${it.connector}`],
        [say('began'), dayAndTime(it.started_at)],
        [say('ended'), dayAndTime(it.stopped_at)],
        [say('time'), duration((Date.parse(it.stopped_at) - Date.parse(it.started_at)) / 1000)],
        [say('receipt.meter'), say('receipt.meter.values', { from: kwh(it.meter_start_wh, 3), to: kwh(it.meter_stop_wh, 3) })],
        it.car && [say('car'), it.car],
        [say('receipt.number'), it.number],
      ]} /></section>
      ${it.footprint ? html`<${Footprint} it=${it.footprint} />` : null}</div>
      <div class="stack">
        <button class="button main wide huge" aria-disabled=${linking.busy.value} onClick=${open}>${icon('down')}${say('receipt.pdf')}</button>
        ${linking.error.value ? html`<${Wrong} error=${linking.error.value} />` : null}
        <${Found} at=${found.value} />
        <${Invoice} path=${path} />
        <${Proof} path=${path} receipt=${it} />
        <${Dispute} path=${path} />
        ${it.supplier ? html`<section class="sheet stack tight"><h2>${say('receipt.seller')}</h2><p>${it.supplier.legal_name}<br /><span class="quiet">${it.supplier.address}</span></p>
          <${Facts} rows=${[it.supplier.tax_id && [say('receipt.tax.id'), it.supplier.tax_id], it.supplier.email && [say('email'), it.supplier.email]]} /></section>` : null}
      </div></div>`}<//></div>`;
});

function lineText(line, currency) {
  const each = price(line.unit_price, currency);
  if (line.dimension === 'energy') return say('line.energy', { amount: kwh(line.quantity), price: each });
  if (line.dimension === 'flat') return say('line.flat');
  return say(`line.${line.dimension}`, { amount: duration(line.quantity), price: each });
}

const Footprint = plain(({ it }) => html`<section class="sheet stack tight"><h2>${icon('leaf', 'small')} ${say('footprint')}</h2><${Facts} rows=${[
  it.carbon_g !== null && [say('footprint.carbon'), say('footprint.kg', { n: number(it.carbon_g / 1000, 2) })],
  it.renewable_percent !== null && [say('footprint.renewable'), percent(Number(it.renewable_percent))],
  it.saved_g !== null && [say('footprint.saved'), say('footprint.kg', { n: number(it.saved_g / 1000, 2) })],
  it.saved_minor !== null && [say('footprint.saved.money'), money(it.saved_minor, it.currency)],
]} /><p class="small quiet">${say('footprint.source', { source: it.source, method: it.method })}</p></section>`);

const Invoice = part(({ path }) => {
  const asking = deed();
  const papers = signal(null);
  const found = signal(null);
  const ask = () => asking.run(async () => { papers.value = (await post(`${path}/invoice`)).items; });
  return () => html`<div class="stack tight"><button class="button line wide" aria-disabled=${asking.busy.value} onClick=${ask}>${icon('history')}${say('invoice')}</button>
    ${asking.error.value?.code === 'no_business' ? html`<${Note} kind="fact"><p>${say('invoice.no.business')}</p><a class="button plain" href="#/settings">${say('business')}</a><//>` : asking.error.value ? html`<${Wrong} error=${asking.error.value} />` : null}
    ${papers.value ? html`<ul class="rows">${papers.value.map((it) => html`<li key=${it.number}><button class="row-link" aria-disabled=${asking.busy.value} onClick=${() => opened(asking, found, `${path}/invoice/${encodeURIComponent(it.number)}/link`, { format: 'facturx', valid_days: 7 })}>${icon('down')}<span class="grow"><span class="strong">${it.number}</span><br /><span class="small quiet">${say(`invoice.${it.kind}`)}</span></span><span class="figures">${money(it.total_minor, it.currency)}</span></button></li>`)}</ul><${Found} at=${found.value} />${papers.value.map((it) => html`<${Proof} key=${it.number} path=${path} paper=${it} />`)}` : null}</div>`;
});
