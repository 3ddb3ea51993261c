// The driver's app: its frame, its pages by address, and what all of them share.
import { html, part, plain, render, signal, look, place } from '../parts/view.js';
import { learn, say, language } from '../parts/words.js';
import { configure, isOnline } from '../parts/api.js';
import { settings } from './early.js';
import { kept } from '../parts/kept.js';
import { running, lookForRunning } from './mine.js';
import { Waits, icon } from '../parts/blocks.js';

// What a path's first part leads to. Only the map comes with the first load.
const PAGES = {
  '': () => import('./pages/find.js'),
  charger: () => import('./pages/charger.js'),
  session: () => import('./pages/session.js'),
  guest: () => import('./pages/session.js'),
  pay: () => import('./pages/pay.js'),
  charging: () => import('./pages/charging.js'),
  history: () => import('./pages/history.js'),
  receipt: () => import('./pages/receipt.js'),
  reservation: () => import('./pages/reservation.js'),
  scan: () => import('./pages/scan.js'),
  me: () => import('./pages/me.js'),
  'sign-in': () => import('./pages/access.js'),
  'sign-up': () => import('./pages/access.js'),
  confirm: () => import('./pages/access.js'),
  forgot: () => import('./pages/access.js'),
  cards: () => import('./pages/cards.js'),
  balance: () => import('./pages/balance.js'),
  wallet: () => import('./pages/wallet.js'),
  usual: () => import('./pages/usual.js'),
  cars: () => import('./pages/cars.js'),
  car: () => import('./pages/car.js'),
  organisations: () => import('./pages/organisations.js'),
  tokens: () => import('./pages/tokens.js'),
  notices: () => import('./pages/notices.js'),
  settings: () => import('./pages/settings.js'),
  parts: () => import('./pages/showcase.js'),
};
const TABS = [
  ['', 'pin', 'nav.find'],
  ['charging', 'bolt', 'nav.charging'],
  ['history', 'history', 'nav.history'],
  ['me', 'person', 'nav.me'],
];
const TAB_OF = {
  session: 'charging', guest: 'charging', pay: '', charger: '', scan: '', reservation: 'charging', receipt: 'history', 'sign-in': 'me',
  'sign-up': 'me', confirm: 'me', forgot: 'me', cards: 'me', balance: 'me', wallet: 'me', usual: 'me', cars: 'me', car: 'me', organisations: 'me', parts: 'me', tokens: 'me', notices: 'me', settings: 'me',
};

// The offline shell is the whole app once more: it does not compete with the first list and its map.
const LATER_MS = 3_000;

const shown = signal({ name: null, page: null, path: null });

async function show() {
  const { parts, path } = place.value;
  const name = Object.hasOwn(PAGES, parts[0] ?? '') ? parts[0] ?? '' : '';
  try {
    const page = (await PAGES[name]()).default;
    if (place.value.path === path) shown.value = { name, page, path };
  } catch {
    if (place.value.path === path) shown.value = { name, page: Missing, path };
  }
}

// A page that was never opened is not there without a line.
const Missing = plain(() => html`<div class="page"><div class="empty">${icon('warn')}<h1>${say('page.missing')}</h1>
  <p>${say('page.missing.next')}</p><button class="button main" onClick=${() => location.reload()}>${say('again')}</button></div></div>`);

const Nav = plain(() => {
  const [first = ''] = place.value.parts;
  const current = Object.hasOwn(TAB_OF, first) ? TAB_OF[first] : first;
  return html`<nav class="nav" aria-label=${say('nav')}>
    ${TABS.map(([path, sign, key]) => html`<a key=${path} href=${`#/${path}`} aria-current=${current === path ? 'page' : null}>
      ${icon(sign)}${path === 'charging' && running.value ? html`<span class="dot"><span class="unseen">${say('nav.running')}</span></span>` : null}
      <span>${say(key)}</span></a>`)}
  </nav>`;
});

const App = part((_, life) => {
  life.begun(() => {
    addEventListener('hashchange', show);
    show();
    lookForRunning();
  });
  let before = null;
  return () => {
    const { page: Page, name, path } = shown.value;
    const isOther = before !== null && before !== path;
    requestAnimationFrame(() => {
      const heading = document.querySelector('h1');
      // A tab is called what its page is: who is read to hears where they are.
      document.title = heading ? `${heading.textContent} · Kerb` : 'Kerb';
      if (isOther) heading?.focus();
    });
    before = path;
    return html`<div class="frame" lang=${language.value}>
      <a class="skip" href="#content" onClick=${(event) => { event.preventDefault(); document.getElementById('content').focus(); }}>${say('skip')}</a>
      ${isOnline.value ? null : html`<p class="line-gone" role="status">${icon('warn', 'small')}${say('line.gone')}</p>`}
      <main id="content" tabindex="-1" data-path=${path}>${Page ? html`<${Page} key=${path} name=${name} />` : html`<${Waits} text=${say('page.opens')} />`}</main>
      <${Nav} />
    </div>`;
  };
});

// Who comes back from a car maker's door brings what it said before the #, where no page of ours looks.
function comesBack() {
  const told = new URLSearchParams(location.search);
  if (!told.has('state')) return;
  const kept = new URLSearchParams(['state', 'code', 'user_id', 'error'].filter((name) => told.has(name)).map((name) => [name, told.get(name)]));
  history.replaceState(null, '', `${location.pathname}#/cars/back?${kept}`);
  look();
}

async function begin() {
  comesBack();
  const theme = kept('theme');
  if (theme) document.documentElement.dataset.theme = theme;
  configure(settings);
  await learn(async (wish) => (await import(`./words/${wish}.js`)).default);
  const place = document.getElementById('app');
  place.replaceChildren();
  render(html`<${App} />`, place);
  // What is needed later waits until what is needed now is there.
  setTimeout(() => {
    document.head.append(Object.assign(document.createElement('link'), { rel: 'manifest', href: '/driver/manifest.webmanifest' }));
    navigator.serviceWorker?.register('/driver/worker.js').catch(() => {});
  }, LATER_MS);
}

begin();
