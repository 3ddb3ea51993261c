// What runs now: a charge, a reservation, or nothing yet.
import { html, part, signal } from '../../parts/view.js';
import { say } from '../../parts/words.js';
import { get, isKnown } from '../../parts/api.js';
import { Empty, Head, Waits, Wrong } from '../../parts/blocks.js';
import { isOver, running } from '../mine.js';

export default part((_, life) => {
  const hasNone = signal(false);
  const failed = signal(null);
  async function look() {
    failed.value = null;
    if (running.value) { life.replace(running.value); return; }
    if (!isKnown.value) { hasNone.value = true; return; }
    try {
      const [sessions, reservations] = await Promise.all([get('/v1/sessions?limit=5'), get('/v1/reservations')]);
      const session = sessions.items.find((it) => !isOver(it));
      const kept = reservations.items.find((it) => it.standing === 'open');
      if (session) life.replace(`/session/${session.session_id}`);
      else if (kept) life.replace(`/reservation/${kept.reservation_id}`);
      else hasNone.value = true;
    } catch (error) {
      failed.value = error;
    }
  }
  life.begun(() => { look(); });
  return () => html`<div class="page"><${Head} title=${say('nav.charging')} />
    ${failed.value ? html`<${Wrong} error=${failed.value} again=${look} />` : hasNone.value ? html`<${Empty} sign="plug" title=${say('charging.none')}>
      <p>${say('charging.none.next')}</p><a class="button main huge" href="#/">${say('find')}</a><a class="button line" href="#/scan">${say('scan')}</a><//>` : html`<${Waits} text=${say('session.opens')} />`}</div>`;
});
