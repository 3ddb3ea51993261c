// After a start that failed: the nearest charger with a free plug that is not this one.
import { html, part, signal } from '../parts/view.js';
import { distance, say } from '../parts/words.js';
import { get } from '../parts/api.js';
import { icon } from '../parts/blocks.js';

const RADIUS_M = 25_000;

export const Elsewhere = part(({ session }, life) => {
  const nearest = signal(undefined);
  life.begun(() => {
    const { latitude: lat, longitude: lng } = session.site ?? {};
    if (lat === null || lat === undefined) {
      nearest.value = null;
      return;
    }
    get(`/v1/chargers/nearby?lat=${lat}&lng=${lng}&radius=${RADIUS_M}&available=true&limit=5`)
      .then(({ items }) => { nearest.value = items.find((it) => it.charger_id !== session.charger_id) ?? null; })
      .catch(() => { nearest.value = null; });
  });
  return () => html`<section class="stack tight" aria-label=${say('elsewhere')}>
    ${nearest.value ? html`<h2>${say('elsewhere')}</h2><div class="rows"><a class="row-link" href=${`#/charger/${encodeURIComponent(nearest.value.charger_id)}`}>
      <div class="grow"><p class="strong">${nearest.value.charger_id}</p><p class="small quiet">${nearest.value.site_name} · ${nearest.value.site_id === session.site_id ? say('elsewhere.here') : distance(nearest.value.distance_m)}</p></div>
      <span class="badge go">${say('free.of', { free: nearest.value.available, total: nearest.value.connectors.length })}</span>${icon('next', 'small')}</a></div>` : null}
    <a class=${`button wide ${nearest.value ? 'line' : 'main'}`} href=${`#/charger/${encodeURIComponent(session.charger_id)}`}>${say('try.again')}</a>
    <a class="button plain" href="#/">${say('find.another')}</a>
  </section>`;
});
