// Which languages there are, and which of them the reader wants. It leans on nothing, so that it is known first.
import { kept } from './kept.js';

export const LANGUAGES = { en: 'English', de: 'Deutsch' };

export function wanted() {
  const asked = [kept('language'), ...navigator.languages].map((it) => String(it ?? '').slice(0, 2));
  return asked.find((it) => Object.hasOwn(LANGUAGES, it)) ?? 'en';
}
