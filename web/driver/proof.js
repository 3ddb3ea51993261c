// The proof that a charge is in the log, checked here; and what that does not prove.
import { html, part, signal } from '../parts/view.js';
import { say } from '../parts/words.js';
import { get } from '../parts/api.js';
import { check } from '../parts/proof.js';
import { Note, Wrong, deed, icon } from '../parts/blocks.js';

export const Proof = part(({ path, receipt }) => {
  const checking = deed();
  const found = signal(null);
  const look = () => checking.run(async () => {
    const [{ proof }, log] = await Promise.all([get(`${path}/proof`), get('/v1/log', { isOpen: true })]);
    found.value = await check(proof, log.verifier_key, receipt);
  });
  const marks = { true: 'check', false: 'close', null: 'warn' };
  return () => html`<section class="sheet stack tight"><h2>${icon('shield', 'small')} ${say('proof')}</h2><p class="quiet small">${say('proof.text')}</p>
    ${found.value ? html`<ul class="stack tight" role="status">${Object.entries(found.value.checks).map(([name, isSo]) => html`<li key=${name} class="row" data-check=${name} data-so=${String(isSo)}>${icon(marks[isSo])}<span>${say(`proof.${name}.${isSo}`, found.value)}</span></li>`)}</ul>
      <p class="small quiet">${say('proof.not')}</p>` : html`<button class="button line wide" aria-disabled=${checking.busy.value} onClick=${look}>${say('proof.check')}</button>`}
    ${checking.error.value?.code === 'not_logged_yet' ? html`<${Note} sign="clock"><p role="status">${say('refused.not_logged_yet')}</p><//>` : checking.error.value ? html`<${Wrong} error=${checking.error.value} />` : null}
  </section>`;
});
