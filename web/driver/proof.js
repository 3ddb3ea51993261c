// The proof that a charge, or a paper of it, is in the log, checked here; and what that does not prove.
import { html, part, signal } from '../parts/view.js';
import { say } from '../parts/words.js';
import { get } from '../parts/api.js';
import { check } from '../parts/proof.js';
import { Note, Wrong, deed, icon } from '../parts/blocks.js';

// Of a charge by its `receipt`; of an invoice or credit note by that `paper`, which is its file.
export const Proof = part(({ path, receipt, paper }) => {
  const kind = paper ? 'paper.' : '';
  const load = async () => (paper
    ? (await get(`${path}/invoice/${encodeURIComponent(paper.number)}?format=tlog-proof`, { raw: true })).text()
    : (await get(`${path}/proof`)).proof);
  const checking = deed();
  const found = signal(null);
  const look = () => checking.run(async () => {
    const [proof, log] = await Promise.all([load(), get('/v1/log', { isOpen: true })]);
    found.value = await check(proof, log.verifier_key, paper ?? receipt, Boolean(paper));
  });
  const marks = { true: 'check', false: 'close', null: 'warn' };
  return () => html`<section class="sheet stack tight"><h2>${icon('shield', 'small')} ${paper ? say('proof.paper', { number: paper.number }) : say('proof')}</h2><p class="quiet small">${say(`proof.${kind}text`)}</p>
    ${found.value ? html`<ul class="stack tight" role="status">${Object.entries(found.value.checks).map(([name, isSo]) => html`<li key=${name} class="row" data-check=${name} data-so=${String(isSo)}>${icon(marks[isSo])}<span>${say(`proof.${name === 'signature' ? '' : kind}${name}.${isSo}`, found.value)}</span></li>`)}</ul>
      <p class="small quiet">${say(`proof.${kind}not`)}</p>` : html`<button class="button line wide" aria-disabled=${checking.busy.value} onClick=${look}>${say('proof.check')}</button>`}
    ${checking.error.value?.code === 'not_logged_yet' ? html`<${Note} sign="clock"><p role="status">${say('refused.not_logged_yet')}</p><//>` : checking.error.value ? html`<${Wrong} error=${checking.error.value} />` : null}
  </section>`;
});
