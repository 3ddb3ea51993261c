// The map: countries bundled with the app, finer ones when zoomed in, and the sites themselves. No tile server.
const LEAFLET = '../vendor/leaflet-1.9.4/leaflet.js';
const TOPOJSON = '../vendor/topojson-client-3.1.0/topojson-client.min.js';
const ATLAS = '/vendor/world-atlas-2.0.2/countries-';
const FINER_FROM_ZOOM = 5;
const HIGHEST_ZOOM = 17;

async function land(size) {
  const [told] = await Promise.all([fetch(`${ATLAS}${size}.json`).then((it) => it.json()), import(TOPOJSON)]);
  return globalThis.topojson.feature(told, told.objects.countries);
}

function style(href) {
  if (document.querySelector(`link[href="${href}"]`)) return;
  document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href }));
}

// Draws into `place`; `moved({lat, lng, radius})` is told where one looks, and `chosen(siteId)` what was touched.
export async function drawMap(place, { centre, zoom, moved, chosen, words }) {
  style('/vendor/leaflet-1.9.4/leaflet.css');
  await import(LEAFLET);
  const L = globalThis.L ?? globalThis.leaflet;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const map = L.map(place, { center: [centre.lat, centre.lng], zoom, minZoom: 2, maxZoom: HIGHEST_ZOOM, zoomControl: false, preferCanvas: false, zoomAnimation: !calm, fadeAnimation: !calm, worldCopyJump: true, attributionControl: false });
  L.control.attribution({ prefix: false, position: 'topright' }).addAttribution('Natural Earth').addTo(map);
  let countries = null;
  let size = null;
  async function ground() {
    const wanted = map.getZoom() >= FINER_FROM_ZOOM ? '50m' : '110m';
    if (size === wanted || (size === '50m' && wanted === '110m')) return;
    const before = size;
    size = wanted;
    try {
      const shapes = await land(wanted);
      countries?.remove();
      countries = L.geoJSON(shapes, { interactive: false, style: { className: 'country', fillOpacity: 1, opacity: 1 }, smoothFactor: 1 }).addTo(map);
      countries.bringToBack();
    } catch {
      size = before;
    }
  }
  const marks = new Map();
  let here = null;
  const told = () => {
    const centreNow = map.getCenter().wrap();
    const bounds = map.getBounds();
    const radius = Math.min(100_000, Math.max(500, Math.round(centreNow.distanceTo(bounds.getNorthEast()))));
    moved({ lat: centreNow.lat, lng: centreNow.lng, radius, zoom: map.getZoom() });
  };
  map.on('moveend', () => { ground(); told(); });
  // The rough world at once; what is finer when it is wanted.
  size = null;
  land('110m').then((shapes) => {
    if (countries === null) countries = L.geoJSON(shapes, { interactive: false, style: { className: 'country', fillOpacity: 1, opacity: 1 } }).addTo(map);
    size ??= '110m';
    ground();
  }).catch(() => {});

  return {
    show(sites, chosenId) {
      for (const [id, mark] of marks) if (!sites.some((it) => it.id === id)) { mark.remove(); marks.delete(id); }
      for (const site of sites) {
        const kind = site.id === chosenId ? 'chosen' : site.free ? '' : 'none';
        const face = L.divIcon({ className: '', iconSize: [44, 44], iconAnchor: [22, 50], html: Object.assign(document.createElement('div'), { className: `site-mark ${kind}` }) });
        const number = Object.assign(document.createElement('span'), { textContent: String(site.free) });
        face.options.html.append(number);
        const mark = marks.get(site.id) ?? L.marker([site.lat, site.lng], { icon: face, keyboard: true }).addTo(map);
        mark.setLatLng([site.lat, site.lng]).setIcon(face);
        const button = mark.getElement();
        button.setAttribute('role', 'button');
        button.setAttribute('aria-label', words(site));
        mark.off().on('click keypress', (event) => { if (event.type === 'click' || event.originalEvent?.key === 'Enter') chosen(site.id); });
        marks.set(site.id, mark);
      }
    },
    here({ lat, lng }) {
      here?.remove();
      here = L.marker([lat, lng], { interactive: false, keyboard: false, icon: L.divIcon({ className: 'here', iconSize: [16, 16] }) }).addTo(map);
    },
    move({ lat, lng }, zoomTo = 14) { map.setView([lat, lng], zoomTo, { animate: !calm }); },
    fit() { map.invalidateSize(); },
    end() { map.remove(); },
  };
}
