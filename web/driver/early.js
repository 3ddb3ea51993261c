// What is asked for before the app itself is there: the deployment's settings, the reader's words, and for who comes for
// the first time what is near. On a slow line each of these would be a round of its own after all modules.
import { kept } from '../parts/kept.js';
import { wanted } from '../parts/languages.js';

// A part of the continent: who has not said where they are sees where the sites are.
export const FIRST_RADIUS_M = 100_000;
export const HOME = { lat: 53.5437, lng: 9.9924 };

export const nearby = ({ lat, lng, radius }) => `/v1/chargers/nearby?${new URLSearchParams({ lat: lat.toFixed(5), lng: lng.toFixed(5), radius, limit: 50 })}`;

export const settings = fetch('/config.json').then((answer) => answer.json());
import(`./words/${wanted()}.js`).catch(() => {});

async function look() {
  const { api = '', home = HOME } = await settings;
  const path = nearby({ ...home, radius: FIRST_RADIUS_M });
  const answer = await fetch(api + path);
  return answer.ok ? { path, told: await answer.json() } : null;
}

const isFirst = location.hash.replace(/^#\/?/, '') === '' && ['tokens', 'looked', 'filters'].every((name) => kept(name) === null);
let first = isFirst ? look().catch(() => null) : null;
settings.catch(() => {});

// What was found so, once, for who asks the same; else null.
export async function found(path) {
  const asked = await first;
  first = null;
  return asked?.path === path ? asked.told : null;
}
