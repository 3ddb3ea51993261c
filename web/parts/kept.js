// What stays on this device between visits, and the reader's language by it. It leans on nothing, so that it is known first.
// A browser that keeps nothing (private windows) is no reason to fail.
const PREFIX = 'kerb.';

export function kept(name, otherwise = null) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function keep(name, value) {
  try {
    if (value === null || value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // It is forgotten, then.
  }
}

// All there is, or what begins with one of `names`.
export function forget(names = ['']) {
  try {
    for (const name of Object.keys(localStorage)) if (names.some((it) => name.startsWith(PREFIX + it))) localStorage.removeItem(name);
  } catch {
    // There was nothing.
  }
}

export const LANGUAGES = { en: 'English', de: 'Deutsch' };

export function wanted() {
  const asked = [kept('language'), ...navigator.languages].map((it) => String(it ?? '').slice(0, 2));
  return asked.find((it) => Object.hasOwn(LANGUAGES, it)) ?? 'en';
}
