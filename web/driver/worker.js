// The offline shell: the app's own files, kept as they were last seen. What the API says is never kept here: the app
// keeps what it last knew, and shows it as such.
const CACHE = 'kerb-driver-2';
const OWN = /^\/(driver|parts|vendor)\/|^\/tokens\.css$/;
const SHELL = '/driver/';
// However it was packed, and in whichever language it was asked for: better than nothing.
const HOWEVER = { ignoreVary: true };
// All of the app; a test holds this list to the files.
const FILES = [
  '/driver/', '/driver/app.css', '/driver/app.js', '/driver/car_wish.js', '/driver/cars.js', '/driver/charge.js', '/driver/curve.js', '/driver/dispute.js', '/driver/early.js', '/driver/elsewhere.js',
  '/driver/faults.js', '/driver/login.js', '/driver/mine.js', '/driver/proof.js', '/driver/wishes.js', '/driver/manifest.webmanifest',
  '/driver/icons/kerb.svg', '/driver/icons/kerb-192.png', '/driver/words/de.js', '/driver/words/en.js',
  ...['access', 'balance', 'car', 'cards', 'cars', 'charger', 'charging', 'find', 'history', 'me', 'notices', 'organisations', 'pay', 'receipt', 'reservation', 'scan', 'session', 'settings', 'showcase', 'tokens', 'usual', 'wallet'].map((it) => `/driver/pages/${it}.js`),
  ...['api', 'blocks', 'card_fields', 'clock', 'kept', 'live', 'map', 'proof', 'stripe', 'stripe_local', 'stripe_real', 'view', 'words'].map((it) => `/parts/${it}.js`),
  '/parts/base.css', '/tokens.css',
  '/vendor/preact-11.2.0/preact.mjs', '/vendor/htm-3.1.1/htm.module.js', '/vendor/signals-core-1.14.5/signals-core.module.js',
  '/vendor/leaflet-1.9.4/leaflet.js', '/vendor/leaflet-1.9.4/leaflet.css', '/vendor/topojson-client-3.1.0/topojson-client.min.js',
  '/vendor/world-atlas-2.0.2/land-110m.json', '/vendor/uplot-1.6.32/uPlot.iife.min.js', '/vendor/uplot-1.6.32/uPlot.min.css',
];

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith('kerb-driver-') && name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== location.origin || !OWN.test(url.pathname)) return;
  event.respondWith(url.pathname.startsWith('/vendor/') ? keptFirst(event.request) : newestFirst(event.request));
});

async function keptFirst(request) {
  return (await caches.match(request, HOWEVER)) ?? fetched(request);
}

async function newestFirst(request) {
  try {
    return await fetched(request);
  } catch (error) {
    const kept = (await caches.match(request, { ignoreSearch: true, ...HOWEVER })) ?? (request.mode === 'navigate' ? await caches.match(SHELL, HOWEVER) : undefined);
    if (kept) return kept;
    throw error;
  }
}

async function fetched(request) {
  const answer = await fetch(request);
  if (answer.ok) {
    const copy = answer.clone();
    const cache = await caches.open(CACHE);
    await cache.put(request, copy);
  }
  return answer;
}
