// A connector that is kept for me: for how long, where, and what to do next.
import { html, part, place } from '../../parts/view.js';
import { clockTime, countdown, say } from '../../parts/words.js';
import { get, post, remove } from '../../parts/api.js';
import { now } from '../../parts/clock.js';
import { Facts, Head, Read, Wrong, deed, reading, icon } from '../../parts/blocks.js';

const AGAIN_S = 10;

export default part((_, life) => {
  const id = place.value.parts[1];
  const path = `/v1/reservations/${encodeURIComponent(id)}`;
  const kept = reading(() => get(path));
  const changing = deed();
  life.begun(() => {
    kept.load();
    const timer = setInterval(() => { if (!document.hidden) kept.load(); }, AGAIN_S * 1000);
    return () => clearInterval(timer);
  });
  const change = (work) => changing.run(async () => { kept.take(await work()); });
  return () => html`<div class="page"><${Head} title=${say('reservation')} to="/" />
    <${Read} from=${kept} text=${say('reservation.looks')}>${(it) => {
      const left = (Date.parse(it.until) - now.value) / 1000;
      const isOpen = it.standing === 'open' && left > 0;
      return html`<div class="stack wide"><section class="now">
        <p class=${`state ${isOpen ? 'go' : 'over'}`} role="status">${icon(isOpen ? 'clock' : 'check')}<span>${say(isOpen ? 'reservation.open' : `reservation.${it.standing === 'open' ? 'expired' : it.standing}`)}</span></p>
        ${isOpen ? html`<p class="huge" role="timer">${countdown(left)}</p><p class="quiet">${say('reservation.next', { time: clockTime(it.until) })}</p>` : html`<p class="quiet">${say('reservation.over.next')}</p>`}
      </section>
      <section class="sheet"><${Facts} rows=${[[say('charger'), it.charger_id], [say('connector'), it.connector], [say('reservation.keeper'), say(`reservation.keeper.${it.keeper}`)]]} /></section>
      ${changing.error.value ? html`<${Wrong} error=${changing.error.value} />` : null}
      <a class="button main wide huge" href=${`#/charger/${encodeURIComponent(it.charger_id)}/${it.connector}`}>${icon('bolt')}${say(isOpen ? 'reservation.there' : 'reservation.back')}</a>
      ${isOpen ? html`<div class="row wrap"><button class="button line grow" aria-disabled=${changing.busy.value} onClick=${() => change(() => post(`${path}/extend`))}>${say('reservation.extend')}</button>
        <button class="button plain grow" aria-disabled=${changing.busy.value} onClick=${() => change(() => remove(path))}>${say('reservation.give.up')}</button></div>` : null}</div>`;
    }}<//></div>`;
});
