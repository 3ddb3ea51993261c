// The map: the land bundled with the app, finer and with borders when zoomed in, and the sites. No tile server.
const LEAFLET = '../vendor/leaflet-1.9.4/leaflet.js';
const TOPOJSON = '../vendor/topojson-client-3.1.0/topojson-client.min.js';
const ATLAS = '/vendor/world-atlas-2.0.2/';
const [ROUGH, FINE] = ['land-110m', 'countries-50m'];
const FINER_FROM_ZOOM = 7;
// Nearer than this the ground has nothing to show but how far things are.
const RINGS_FROM_ZOOM = 10;
const RINGS_M = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];
const HIGHEST_ZOOM = 17;

async function land(size) {
  const [told] = await Promise.all([fetch(`${ATLAS}${size}.json`).then((it) => it.json()), import(TOPOJSON)]);
  return globalThis.topojson.feature(told, told.objects[size.split('-')[0]]);
}

function style(href) {
  if (document.querySelector(`link[href="${href}"]`)) return;
  document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href }));
}

// Draws into `place`; `moved({lat, lng, radius})` is told where one looks, and `chosen(siteId)` what was touched.
export async function drawMap(place, { centre, zoom, moved, chosen, words, ring }) {
  style('/vendor/leaflet-1.9.4/leaflet.css');
  await import(LEAFLET);
  const L = globalThis.L ?? globalThis.leaflet;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const map = L.map(place, { center: [centre.lat, centre.lng], zoom, minZoom: 2, maxZoom: HIGHEST_ZOOM, zoomControl: false, preferCanvas: false, zoomAnimation: !calm, fadeAnimation: !calm, worldCopyJump: true, attributionControl: false });
  L.control.attribution({ prefix: false, position: 'bottomleft' }).addAttribution('Natural Earth').addTo(map);
  let countries = null;
  let size = null;
  async function ground() {
    const wanted = map.getZoom() >= FINER_FROM_ZOOM ? FINE : ROUGH;
    if (size === wanted || size === FINE) return;
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
  const rings = L.layerGroup().addTo(map);
  function measure() {
    rings.clearLayers();
    if (map.getZoom() < RINGS_FROM_ZOOM) return;
    const middle = map.getCenter();
    const reach = middle.distanceTo(map.getBounds().getNorthEast());
    for (const radius of RINGS_M.filter((it) => it < reach && it > reach / 8)) {
      L.circle(middle, { radius, interactive: false, className: 'ring' }).addTo(rings);
      const top = L.latLng(middle.lat + radius / 111_320, middle.lng);
      L.marker(top, { interactive: false, keyboard: false, icon: L.divIcon({ className: 'ring-text', iconSize: [64, 16], html: Object.assign(document.createElement('span'), { textContent: ring(radius) }) }) }).addTo(rings);
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
  map.on('moveend', () => { ground(); measure(); told(); });
  // The rough world at once; what is finer when it is wanted.
  size = null;
  measure();
  land(ROUGH).then((shapes) => {
    if (countries === null) countries = L.geoJSON(shapes, { interactive: false, style: { className: 'country', fillOpacity: 1, opacity: 1 } }).addTo(map);
    size ??= ROUGH;
    ground();
  }).catch(() => {});

  function marked(id) {
    const face = document.createElement('div');
    face.append(document.createElement('span'));
    const mark = L.marker([0, 0], { icon: L.divIcon({ className: '', iconSize: [44, 44], iconAnchor: [22, 50], html: face }), keyboard: true });
    mark.on('click keypress', (event) => { if (event.type === 'click' || event.originalEvent?.key === 'Enter') chosen(id); });
    marks.set(id, mark);
    return mark;
  }

  return {
    show(sites, chosenId) {
      for (const [id, mark] of marks) if (!sites.some((it) => it.id === id)) { mark.remove(); marks.delete(id); }
      for (const site of sites) {
        // A mark that stands keeps what is touched of it.
        const mark = marks.get(site.id) ?? marked(site.id).addTo(map);
        const button = mark.setLatLng([site.lat, site.lng]).getElement();
        button.setAttribute('role', 'button');
        button.setAttribute('aria-label', words(site));
        button.firstChild.className = `site-mark ${site.id === chosenId ? 'chosen' : site.free ? '' : 'none'}`;
        button.firstChild.firstChild.textContent = String(site.free);
      }
    },
    here({ lat, lng }) {
      here?.remove();
      here = L.marker([lat, lng], { interactive: false, keyboard: false, icon: L.divIcon({ className: 'here', iconSize: [16, 16] }) }).addTo(map);
    },
    move({ lat, lng }, zoomTo = 14) { map.setView([lat, lng], zoomTo, { animate: !calm }); },
    fit() { map.invalidateSize(); },
    // A phone that was turned has it told a moment later, when there may be no map any more.
    end() { map.off('moveend').remove(); },
  };
}
