// What is asked for before the app itself is there: the reader's words, and for who comes for the first time what is near.
// On a slow line each of these would be a round of its own after all modules. The deployment's settings stand in the page.
import { kept, wanted } from '../parts/kept.js';

// A part of the continent: who has not said where they are sees where the sites are.
export const FIRST_RADIUS_M = 100_000;

export const nearby = ({ lat, lng, radius }) => `/v1/chargers/nearby?${new URLSearchParams({ lat: lat.toFixed(5), lng: lng.toFixed(5), radius, limit: 50 })}`;

// `api`: where the API is; `stripe`: whose; `home`: where the map begins.
export const settings = JSON.parse(document.querySelector('meta[name=settings]').content);
import(`./words/${wanted()}.js`).catch(() => {});

async function look() {
  const path = nearby({ ...settings.home, radius: FIRST_RADIUS_M });
  const answer = await fetch(settings.api + path);
  return answer.ok ? { path, told: await answer.json() } : null;
}

const isFirst = location.hash.replace(/^#\/?/, '') === '' && ['tokens', 'looked', 'filters'].every((name) => kept(name) === null);
let first = isFirst ? look().catch(() => null) : null;

// What was found so, once, for who asks the same; else null.
export async function found(path) {
  const asked = await first;
  first = null;
  return asked?.path === path ? asked.told : null;
}
