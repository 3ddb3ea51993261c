// A bill that is wrong: said to its operator from the receipt, with what was answered.
import { html, part, signal } from '../parts/view.js';
import { day, say } from '../parts/words.js';
import { get, post, remove } from '../parts/api.js';
import { Wrong, deed, icon } from '../parts/blocks.js';

const REASONS = ['energy', 'price', 'time', 'payment', 'not_mine', 'other'];
const TONES = { open: 'wait', upheld: 'go', rejected: 'wrong', withdrawn: '' };

export const Dispute = part(({ path }, life) => {
  const all = signal([]);
  const reason = signal(REASONS[0]);
  const text = signal('');
  const doing = deed();
  life.begun(() => { get(`${path}/dispute`).then((told) => { all.value = told.items; }).catch(() => {}); });
  const tell = (work) => doing.run(async () => { all.value = (await work()).items; });
  const send = (event) => {
    event.preventDefault();
    tell(() => post(`${path}/dispute`, { reason: reason.value, text: text.value }));
  };
  return () => {
    const isOpen = all.value.some((it) => it.status === 'open');
    return html`<div class="stack tight">
      ${all.value.map((it) => html`<section key=${it.number} class="sheet stack tight"><div class="row apart"><h2>${say('dispute.told')}</h2><span class=${`badge ${TONES[it.status]}`}>${say(`dispute.status.${it.status}`)}</span></div>
        <p class="small quiet">${say(`dispute.reason.${it.reason}`)} · ${day(it.opened_at)}</p>${it.text ? html`<p>${it.text}</p>` : null}
        ${it.answer ? html`<p class="small quiet">${say('dispute.answer')}</p><p>${it.answer}</p>` : it.status === 'open' ? html`<p class="small quiet">${say('dispute.waits')}</p>` : null}</section>`)}
      ${doing.error.value ? html`<${Wrong} error=${doing.error.value} />` : null}
      ${isOpen ? html`<button class="button plain" aria-disabled=${doing.busy.value} onClick=${() => tell(() => remove(`${path}/dispute`))}>${say('dispute.withdraw')}</button>`
        : html`<details class="sheet"><summary>${icon('flag', 'small')}${say('dispute')}</summary><form class="stack" onSubmit=${send}><p class="quiet small">${say('dispute.text')}</p>
          <label class="field"><span>${say('dispute.reason')}</span><select value=${reason.value} onChange=${(event) => { reason.value = event.target.value; }}>${REASONS.map((it) => html`<option key=${it} value=${it}>${say(`dispute.reason.${it}`)}</option>`)}</select></label>
          <label class="field"><span>${say('dispute.words')}</span><textarea maxlength="2000" value=${text.value} onInput=${(event) => { text.value = event.target.value; }}></textarea></label>
          <button class="button line wide" aria-disabled=${doing.busy.value}>${say('dispute.send')}</button></form></details>`}
    </div>`;
  };
});
