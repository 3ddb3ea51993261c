// Parts that every page uses: icons, its head, what it waits for, what went wrong, a question before what cannot be undone.
import { html, part, plain, signal, back, inOrder } from './view.js';
import { say } from './words.js';
import { textOf } from './api.js';

// Icons, drawn for this app: 24 units, one stroke. They say nothing to a screen reader; the words beside them do.
const PATHS = {
  pin: 'M12 21s-7-6.2-7-11.3A7 7 0 0 1 12 3a7 7 0 0 1 7 6.7C19 14.8 12 21 12 21Z M12 12.2a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8Z',
  bolt: 'M13.2 2.8 5 13.4h6l-.9 7.8L18.8 10h-6.2l.6-7.2Z',
  history: 'M5 4h14v16l-3-2-2 2-2-2-2 2-2-2-3 2V4Z M9 9h6 M9 13h6',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z M4.5 20.5c.9-3.6 3.9-5.5 7.5-5.5s6.6 1.9 7.5 5.5',
  back: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
  close: 'M6 6l12 12 M18 6L6 18',
  scan: 'M4 8V4h4 M16 4h4v4 M20 16v4h-4 M8 20H4v-4 M4 12h16',
  locate: 'M12 2v4 M12 18v4 M2 12h4 M18 12h4 M12 18a6 6 0 1 0 0-12 6 6 0 0 0 0 12Z',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z M16.2 16.2 21 21',
  card: 'M3 6h18v12H3V6Z M3 10h18 M7 15h4',
  wallet: 'M3 7.500h17v12H3v-12Z M3 7.500 15.500 3.500v4 M15.500 13.500H20',
  tag: 'M12 20c-4.4 0-8-3.6-8-8s3.6-8 8-8 M12 16c-2.2 0-4-1.8-4-4s1.8-4 4-4 M13 12h8 M18 9l3 3-3 3',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z M12 7v5l3.5 2',
  bell: 'M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15L6 17Z M10 21h4',
  warn: 'M12 4 2.8 20h18.400L12 4Z M12 10v4.5 M12 17.200v.3',
  check: 'M4.5 12.500l5 5 10-11',
  plug: 'M9 3v5 M15 3v5 M6 8h12v3a6 6 0 0 1-12 0V8Z M12 17v4',
  flag: 'M6 21V4h11l-2 4 2 4H6',
  shield: 'M12 3l7.5 3v5.500c0 4.5-3 8-7.5 9.5-4.5-1.5-7.5-5-7.5-9.500V6L12 3Z M8.5 12l2.5 2.5 4.5-5',
  globe: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z M3 12h18 M12 3c2.5 2.5 3.8 5.5 3.8 9s-1.3 6.5-3.8 9c-2.5-2.5-3.8-5.5-3.8-9S9.5 5.5 12 3Z',
  moon: 'M20 14.500A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.500Z',
  out: 'M14 4H5v16h9 M10 12h11 M17 8l4 4-4 4',
  down: 'M12 4v11 M7 11l5 5 5-5 M4 20h16',
  lock: 'M5 11h14v9H5v-9Z M8 11V8a4 4 0 0 1 8 0v3',
  list: 'M4 6h16 M4 12h16 M4 18h16',
  walk: 'M4 20l16-8L4 4l3 8-3 8Z',
  leaf: 'M5 19C5 10 10 5 20 4c0 10-4 15-12 15M5 20c2-5 5-8 9-10',
  filter: 'M4 6h16 M7 12h10 M10 18h4',
};

export const icon = (name, kind = '') =>
  html`<svg class=${`icon ${kind}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;

export const Head = plain(({ title, to, children }) => html`<header class="top-bar">
  ${to ? html`<button class="button-round" aria-label=${say('back')} onClick=${() => back(to)}>${icon('back')}</button>` : null}
  <h1 tabindex="-1">${title}</h1>${children}</header>`);

// Says what is waited for; nothing at all for the first moment.
export const Waits = part((_, life) => {
  const isSlow = signal(false);
  life.begun(() => {
    const timer = setTimeout(() => { isSlow.value = true; }, 300);
    return () => clearTimeout(timer);
  });
  return ({ text }) => html`<div role="status">${isSlow.value ? html`<div class="waits"><span>${text}</span></div>` : null}</div>`;
});

export const Note = plain(({ kind = '', sign = 'warn', children }) =>
  html`<div class=${`note ${kind}`}>${icon(sign)}<div class="grow">${children}</div></div>`);

export const Wrong = plain(({ error, again }) => html`<div role="alert"><${Note} kind="wrong">
  <p>${textOf(error)}</p>${again ? html`<button class="button plain" onClick=${again}>${say('again')}</button>` : null}<//></div>`);

export const Empty = plain(({ sign, title, children }) =>
  html`<div class="empty">${icon(sign)}<h2>${title}</h2>${children}</div>`);

// Something asked of the API: `busy`, `error`, and `run(work)`; twice at once is once.
export function deed() {
  const busy = signal(false);
  const error = signal(null);
  async function run(work) {
    if (busy.value) return undefined;
    busy.value = true;
    error.value = null;
    try {
      return await work();
    } catch (refused) {
      error.value = refused;
      return undefined;
    } finally {
      busy.value = false;
    }
  }
  return { busy, error, run };
}

// What is read for a page: `value`, `error`, `load()`; `take()` what a command answered, which is newer than what is under way.
export function reading(load) {
  const value = signal(null);
  const error = signal(null);
  const ask = inOrder();
  async function again() {
    error.value = null;
    const isNewer = ask();
    try {
      const told = await load();
      if (isNewer()) value.value = told;
    } catch (refused) {
      if (isNewer()) error.value = refused;
    }
  }
  const take = (told) => { ask()(); value.value = told; };
  return { value, error, load: again, take };
}

// What is read, or why not, or what is waited for.
export const Read = plain(({ from, text, children }) => {
  if (from.value.value !== null) return children(from.value.value);
  if (from.error.value !== null) return html`<${Wrong} error=${from.error.value} again=${from.load} />`;
  return html`<${Waits} text=${text} />`;
});

export const Ask = part((_, life) => {
  let dialog = null;
  life.begun(() => { dialog.showModal(); });
  return ({ title, text, yes, no, kind = 'main', onYes, onNo, busy = false }) => html`<dialog ref=${(it) => { dialog = it; }} onClose=${onNo} aria-labelledby="asked" aria-describedby="asked-more">
    <div class="stack"><h2 id="asked">${title}</h2><p id="asked-more" class="quiet">${text}</p>
    <button class=${`button wide ${kind}`} aria-disabled=${busy} onClick=${onYes}>${yes}</button>
    <button class="button wide line" onClick=${onNo}>${no}</button></div></dialog>`;
});

export const Field = plain(({ label, hint, error, id, ...input }) => html`<label class="field"><span>${label}</span>
  <input id=${id} aria-invalid=${error ? 'true' : null} aria-describedby=${error || hint ? `${id}-more` : null} ...${input} />
  ${error || hint ? html`<small id=${`${id}-more`}>${error ?? hint}</small>` : null}</label>`);

export const Facts = plain(({ rows }) => html`<dl class="facts figures">
  ${rows.filter(Boolean).map(([name, value, kind]) => html`<div key=${name} class=${kind ?? ''}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`);
