// Find a charger: the map, and the same as a list; what is free, what it costs, how far it is.
import { html, part, plain, signal, effect, inOrder, whenLifted } from '../../parts/view.js';
import { distance, kwWhole, price, say } from '../../parts/words.js';
import { config, get } from '../../parts/api.js';
import { kept, keep } from '../../parts/kept.js';
import { Empty, Note, Waits, Wrong, icon } from '../../parts/blocks.js';
import { Debts } from '../mine.js';
import { FIRST_RADIUS_M, found as foundEarly, nearby } from '../early.js';

const PLUGS = ['type2', 'ccs2', 'chademo'];
const AGAIN_S = 15;
const WAIT_MS = 250;
const FIRST_ZOOM = 6;
const NEAR_ZOOM = 14;
const NEAR_M = 5_000;

// Kept while the app is open: who comes back finds the map as it was left.
const looked = signal(kept('looked'));
const found = signal(null);
const failed = signal(null);
const filters = signal(kept('filters', { free: false, fast: false, plug: null }));
const text = signal('');
const chosen = signal(null);
// Where the driver is, once they let it be known: how far a place is, is said from there and from nowhere else.
const spot = signal(null);
const DEGREE_M = 111_195;
// As if the ground were flat: within a search it is, to a thousandth.
const metresTo = ({ lat, lng }) => DEGREE_M * Math.hypot(lat - spot.value.lat, (lng - spot.value.lng) * Math.cos((lat * Math.PI) / 180));

const asking = inOrder();

async function search() {
  const isNewer = asking();
  const query = new URLSearchParams();
  const { free, fast, plug } = filters.value;
  if (free) query.set('available', 'true');
  if (fast) query.set('min_power_w', 50_000);
  if (plug) query.set('connector_type', plug);
  if (text.value.trim()) query.set('q', text.value.trim());
  try {
    const wish = query.size ? `&${query}` : '';
    const path = nearby(looked.value ?? { ...config.home, radius: FIRST_RADIUS_M }) + wish;
    const { items } = (await foundEarly(path)) ?? (await get(path));
    if (!isNewer()) return;
    failed.value = null;
    found.value = sitesOf(items);
    keep('found', { sites: found.value, at: Date.now() });
  } catch (error) {
    if (!isNewer()) return;
    failed.value = error;
    found.value ??= kept('found')?.sites ?? null;
  }
}

// Chargers of one place together, nearest first.
export function sitesOf(chargers) {
  const sites = new Map();
  for (const it of chargers) {
    const site = sites.get(it.site_id) ?? { id: it.site_id, name: it.site_name, address: it.address, lat: it.latitude, lng: it.longitude, prices: it.prices, chargers: [] };
    site.chargers.push(it);
    sites.set(it.site_id, site);
  }
  return [...sites.values()].map((site) => {
    const plugs = site.chargers.flatMap((it) => it.connectors);
    return { ...site, free: site.chargers.reduce((sum, it) => sum + it.available, 0), total: plugs.length, most: Math.max(0, ...plugs.map((it) => it.max_power_w)) };
  });
}

export const Price = plain(({ prices }) => {
  const [first, ...rest] = prices?.price ?? [];
  if (!first) return html`<p class="site-price">${say('price.free')}</p>`;
  return html`<div><p class="site-price">${price(first.amount, prices.currency)}</p><p class="small quiet figures site-more">${say(`per.short.${first.per}`)}</p>
    ${rest.map((it) => html`<p key=${it.per} class="small quiet figures site-more">+ ${price(it.amount, prices.currency)} ${say(`per.short.${it.per}`)}</p>`)}</div>`;
});

const Site = plain(({ site }) => html`<li class="rows" id=${`site-${site.id}`}>
  <div class="site-head row apart top"><div class="grow"><h2>${site.name}</h2>
    <p class="quiet small">${spot.value === null || site.lat === null ? '' : `${distance(metresTo(site))} · `}${site.address}</p></div><${Price} prices=${site.prices} /></div>
  ${site.chargers.map((it) => html`<a key=${it.charger_id} class="row-link" href=${`#/charger/${encodeURIComponent(it.charger_id)}`}>
    <div class="grow"><p class="strong">${it.charger_id}</p><p class="small quiet">${plugsOf(it)}</p></div>
    <span class=${`badge ${it.online && it.available ? 'go' : it.online ? 'wait' : 'wrong'}`}>${!it.online ? say('status.offline') : it.available ? say('free.of', { free: it.available, total: it.connectors.length }) : say('free.none')}</span>
    ${icon('next', 'small')}</a>`)}
</li>`);

const plugsOf = (charger) => [...new Set(charger.connectors.map((it) => `${say(`plug.${it.kind}`)} · ${kwWhole(it.max_power_w)} ${say('unit.kw')}`))].join(', ');

// What was drawn last is seen, and nobody waits for the browser. A tab that nobody sees has no frames.
const idle = globalThis.requestIdleCallback ?? setTimeout;
const painted = () => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(() => idle(then, { timeout: 500 }))));

export default part((_, life) => {
  let map = null;
  let timer = null;
  const isLocating = signal(false);
  const locateFailed = signal(false);
  const soon = () => { clearTimeout(timer); timer = setTimeout(search, WAIT_MS); };

  function locate() {
    isLocating.value = true;
    locateFailed.value = false;
    navigator.geolocation?.getCurrentPosition(({ coords }) => {
      isLocating.value = false;
      spot.value = { lat: coords.latitude, lng: coords.longitude };
      if (map === null) {
        looked.value = { ...spot.value, radius: NEAR_M, zoom: NEAR_ZOOM };
        search();
        return;
      }
      map.here(spot.value);
      map.move(spot.value, NEAR_ZOOM);
    }, () => { isLocating.value = false; locateFailed.value = true; }, { timeout: 10_000, maximumAge: 60_000 });
  }

  let ground = null;
  async function draw() {
    const { drawMap } = await import('../../parts/map.js');
    const { lat, lng, zoom = FIRST_ZOOM } = looked.value ?? config.home;
    return drawMap(ground, {
      centre: { lat, lng },
      zoom,
      ring: distance,
      words: (site) => say('site.mark', { name: site.name, free: site.free, total: site.total }),
      moved(where) {
        looked.value = where;
        keep('looked', where);
        soon();
      },
      chosen(id) {
        chosen.value = id;
        document.getElementById(`site-${id}`)?.scrollIntoView({ block: 'center' });
        document.querySelector(`#site-${CSS.escape(id)} a`)?.focus({ preventScroll: true });
      },
    });
  }

  // Who said before that we may know is not asked again.
  const isAllowed = async () => (await navigator.permissions?.query({ name: 'geolocation' }))?.state === 'granted';

  life.begun(() => {
    if (looked.value === null) isAllowed().then((so) => { if (so) locate(); }).catch(() => {});
    const ends = [];
    let isGone = false;
    // What is asked for first is the list: the map's forty kilobytes come once it is seen.
    search().finally(async () => {
      await painted();
      if (isGone) return;
      const drawn = await draw().catch(() => null);
      if (drawn === null) return;
      if (isGone) {
        drawn.end();
        return;
      }
      map = drawn;
      if (spot.value) map.here(spot.value);
      ends.push(effect(() => {
        const [sites, one] = [(found.value ?? []).filter((it) => it.lat !== null), chosen.value];
        whenLifted(() => { if (!isGone) map.show(sites, one); });
      }));
    });
    const again = setInterval(() => { if (!document.hidden) search(); }, AGAIN_S * 1000);
    return () => {
      isGone = true;
      clearInterval(again);
      clearTimeout(timer);
      for (const end of ends) end();
      map?.end();
    };
  });

  const choose = (change) => {
    filters.value = { ...filters.value, ...change };
    keep('filters', filters.value);
    search();
  };

  return () => {
    const { free, fast, plug } = filters.value;
    const chip = (key, isOn, change) => html`<label class="choice"><input type="checkbox" checked=${isOn} onChange=${change} /><span>${say(key)}</span></label>`;
    return html`<div class="find">
      <form class="ask" role="search" onSubmit=${(event) => { event.preventDefault(); search(); }}>
        <label class="search">${icon('search', 'small')}<span class="unseen">${say('search')}</span>
          <input type="search" placeholder=${say('search.hint')} value=${text.value} onInput=${(event) => { text.value = event.target.value; soon(); }} /></label>
        <a class="button-round raised" href="#/scan" aria-label=${say('scan')}>${icon('scan')}</a>
      </form>
      <div class="map" ref=${(it) => { ground = it; }} role="region" aria-label=${say('map')}></div>
      <button class="button-round raised map-locate" aria-label=${say('locate')} aria-disabled=${isLocating.value} onClick=${locate}>${icon('locate')}</button>
      <section class="list stack">
        <h1 class="unseen" tabindex="-1">${say('find')}</h1>
        <${Debts} />
        <fieldset class="filters"><legend class="unseen">${say('filters')}</legend>
          ${chip('filter.free', free, () => choose({ free: !free }))}${chip('filter.fast', fast, () => choose({ fast: !fast }))}
          ${PLUGS.map((it) => chip(`plug.${it}`, plug === it, () => choose({ plug: plug === it ? null : it })))}</fieldset>
        ${locateFailed.value ? html`<${Note} sign="locate"><p role="status">${say('locate.failed')}</p><//>` : null}
        ${failed.value ? html`<${Wrong} error=${failed.value} again=${search} />` : null}
        ${found.value === null && !failed.value ? html`<${Waits} text=${say('find.looks')} />` : null}
        ${found.value?.length === 0 ? html`<${Empty} sign="pin" title=${say('find.none')}><p>${say('find.none.next')}</p>
          ${free || fast || plug || text.value ? html`<button class="button line" onClick=${() => { text.value = ''; choose({ free: false, fast: false, plug: null }); }}>${say('find.all')}</button>` : null}<//>` : null}
        <ul class="stack" aria-label=${say('find.list')}>${(found.value ?? []).map((site) => html`<${Site} key=${site.id} site=${site} />`)}</ul>
      </section>
    </div>`;
  };
});

