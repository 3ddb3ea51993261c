// What is owed stands where it cannot be missed: as long as it is, no other charge begins.
import { html, part, signal } from '../parts/view.js';
import { money, say } from '../parts/words.js';
import { get, isKnown } from '../parts/api.js';
import { Note } from '../parts/blocks.js';

export const debts = signal([]);

export async function lookForDebts() {
  if (!isKnown.value) {
    debts.value = [];
    return;
  }
  try {
    debts.value = (await get('/v1/me/balance')).debts;
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
