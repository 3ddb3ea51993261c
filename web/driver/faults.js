// What is wrong at a charger, told to its operator.
import { html, part, signal } from '../parts/view.js';
import { say } from '../parts/words.js';
import { post } from '../parts/api.js';
import { Wrong, deed } from '../parts/blocks.js';

const KINDS = ['does_not_start', 'does_not_stop', 'cable_stuck', 'damaged', 'place_blocked', 'wrong_price', 'fake_code', 'other'];

export const FaultReport = part(({ charger, connector, done }) => {
  const kind = signal(KINDS[0]);
  const text = signal('');
  const isSent = signal(false);
  const sending = deed();
  const send = (event) => {
    event.preventDefault();
    sending.run(async () => {
      await post(`/v1/chargers/${encodeURIComponent(charger)}/fault-reports`, { connector, kind: kind.value, text: text.value });
      isSent.value = true;
    });
  };
  return () => isSent.value ? html`<p role="status" class="note go">${say('fault.sent')}</p>` : html`<form class="sheet stack" onSubmit=${send}>
    <h2>${say('fault')}</h2>
    <label class="field"><span>${say('fault.kind')}</span><select value=${kind.value} onChange=${(event) => { kind.value = event.target.value; }}>
      ${KINDS.map((it) => html`<option key=${it} value=${it}>${say(`fault.${it}`)}</option>`)}</select></label>
    <label class="field"><span>${say('fault.text')}</span><textarea maxlength="2000" value=${text.value} onInput=${(event) => { text.value = event.target.value; }}></textarea></label>
    ${sending.error.value ? html`<${Wrong} error=${sending.error.value} />` : null}
    <div class="row"><button class="button main grow" aria-disabled=${sending.busy.value}>${say('fault.send')}</button><button type="button" class="button plain" onClick=${done}>${say('cancel')}</button></div>
  </form>`;
});
