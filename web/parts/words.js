// What is said, in the reader's language: catalogues of driver/words/, and amounts, dates and plurals by Intl.
import { inOrder, signal } from './view.js';
import { LANGUAGES, keep, wanted } from './kept.js';

export { LANGUAGES };
export const language = signal('en');
let words = {};
let read = async () => ({});

// `reader(language)` returns a catalogue.
export async function learn(reader) {
  read = reader;
  await speak(wanted());
}

const asking = inOrder();
export async function speak(wish) {
  const isNewer = asking();
  const told = await read(wish);
  if (!isNewer()) return;
  words = told;
  document.documentElement.lang = wish;
  language.value = wish;
}

export async function choose(wish) {
  keep('language', wish);
  await speak(wish);
}

// A text by its key; `{name}` in it is what `values` says. One with a plural is chosen by its `n`.
export function say(key, values = {}) {
  let text = words[key];
  if (text === undefined) return key;
  if (typeof text === 'object') text = text[new Intl.PluralRules(language.value).select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === 'number' ? number(value) : String(value ?? '');
  });
}

export const knows = (key) => key in words;

const formats = new Map();
// The reader's own country, where they say one of this language: en-GB writes days as en-US does not.
const country = () => navigator.languages.find((it) => it.startsWith(language.value)) ?? language.value;
function format(kind, options, tag = country()) {
  const key = JSON.stringify([kind.name, tag, options]);
  if (!formats.has(key)) formats.set(key, new kind(tag, options));
  return formats.get(key);
}

export const number = (value, digits = 0) =>
  format(Intl.NumberFormat, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

// Integer minor units, as ISO 4217 has them.
export function money(minor, currency) {
  const shown = format(Intl.NumberFormat, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  return shown.format(minor / 10 ** shown.resolvedOptions().maximumFractionDigits);
}

// So many major units in minor ones.
export const minorOf = (major, currency) => Math.round(major * 10 ** format(Intl.NumberFormat, { style: 'currency', currency }).resolvedOptions().maximumFractionDigits);

// A round sum of so many euros' size: a yen is a hundredth of one, and has no hundredths.
export const roundSum = (euros, currency) => euros * (minorOf(1, currency) === 1 ? 100 : 1);

// A price as text in major units, with all the digits it has.
export function price(amount, currency) {
  const digits = Math.min(4, Math.max(2, (String(amount).split('.')[1] ?? '').length));
  const options = { style: 'currency', currency, currencyDisplay: 'narrowSymbol', maximumFractionDigits: digits };
  return format(Intl.NumberFormat, options).format(Number(amount));
}

export const kwh = (wh, digits = 2) => number(wh / 1000, digits);
export const kw = (w) => number(w / 1000, w < 99_950 ? 1 : 0);
export const kwWhole = (w) => number(w / 1000, w % 1000 && w < 10_000 ? 1 : 0);
export const percent = (value) => format(Intl.NumberFormat, { style: 'percent' }).format(value / 100);

export const clockTime = (at) => format(Intl.DateTimeFormat, { hour: '2-digit', minute: '2-digit' }).format(new Date(at));
export const day = (at) => format(Intl.DateTimeFormat, { day: 'numeric', month: 'short' }).format(new Date(at));
export const dayAndTime = (at) =>
  format(Intl.DateTimeFormat, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(new Date(at));
export const month = (key) =>
  format(Intl.DateTimeFormat, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${key}-15T00:00Z`));
// A day of the week by its number from Monday, 0; and from one hour of the day to another.
export const weekday = (at, size = 'long') => format(Intl.DateTimeFormat, { weekday: size, timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + at));
export const hours = (from, until) => [from, until].map((it) => format(Intl.DateTimeFormat, { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1, it))).join(' – ');
// A moment of today by its time, any other by its day too.
export const moment = (at) =>
  new Date(at).toDateString() === new Date().toDateString() ? clockTime(at) : dayAndTime(at);

// 4:12, or 1:04:12.
export function countdown(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  const two = (it) => String(it).padStart(2, '0');
  const [hours, minutes] = [Math.floor(left / 3600), Math.floor((left % 3600) / 60)];
  return hours ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
}

export function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  const unit = (value, name) => format(Intl.NumberFormat, { style: 'unit', unit: name, unitDisplay: 'short' }).format(value);
  if (minutes < 60) return unit(minutes, 'minute');
  const rest = minutes % 60;
  return unit(Math.floor(minutes / 60), 'hour') + (rest ? ` ${unit(rest, 'minute')}` : '');
}

export function distance(metres) {
  const [value, unit, digits] = metres < 995 ? [Math.round(metres / 10) * 10, 'meter', 0] : [metres / 1000, 'kilometer', metres < 9_950 ? 1 : 0];
  return format(Intl.NumberFormat, { style: 'unit', unit, maximumFractionDigits: digits }).format(value);
}
