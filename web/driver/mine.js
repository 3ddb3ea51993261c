// What of the driver's is in sight on every page: a charge under way, and what they owe. Light, for the first load has it.
import { html, part, signal } from '../parts/view.js';
import { money, say } from '../parts/words.js';
import { get, isKnown } from '../parts/api.js';
import { kept } from '../parts/kept.js';
import { Note } from '../parts/blocks.js';

// The address of a charge that is under way, for the bottom bar; null: none.
export const running = signal(kept('running'));
const OVER = ['completed', 'failed'];
export const isOver = (session) => OVER.includes(session.state);

export async function lookForRunning() {
  if (!isKnown.value) return;
  try {
    const { items } = await get('/v1/sessions?limit=5');
    if (!isKnown.value) return;
    const open = items.find((it) => !isOver(it));
    if (open) running.value = `/session/${open.session_id}`;
    else if (!String(running.value).startsWith('/guest/')) running.value = null;
  } catch {
    // Whatever was known stays so.
  }
}

// What is owed stands where it cannot be missed: as long as it is, no other charge begins.
export const debts = signal([]);

export async function lookForDebts() {
  if (!isKnown.value) {
    debts.value = [];
    return;
  }
  try {
    const told = await get('/v1/me/balance');
    if (isKnown.value) debts.value = told.debts;
  } catch {
    // Whoever begins a charge is told.
  }
}

export const Debts = part((_, life) => {
  life.begun(() => { lookForDebts(); });
  return () => {
    const [first] = debts.value;
    if (!first) return null;
    const sum = debts.value.filter((it) => it.currency === first.currency).reduce((all, it) => all + it.amount_minor, 0);
    return html`<${Note} kind="wrong" sign="card"><p class="strong">${say('debts.owed', { amount: money(sum, first.currency) })}</p>
      <p>${say('debts.bar')}</p><a class="button plain" href="#/balance">${say('balance.pay')}</a><//>`;
  };
});
