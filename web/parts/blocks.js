// Parts that every page uses: its head, what it waits for, what went wrong, a question before what cannot be undone.
import { html, part, plain, signal } from './view.js';
import { say } from './words.js';
import { icon } from './icons.js';
import { textOf } from './api.js';
import { back } from './router.js';

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

// What is read for a page: `value`, `error`, `load()`.
export function reading(load) {
  const value = signal(null);
  const error = signal(null);
  async function again() {
    error.value = null;
    try {
      value.value = await load();
    } catch (refused) {
      error.value = refused;
    }
  }
  return { value, error, load: again };
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
