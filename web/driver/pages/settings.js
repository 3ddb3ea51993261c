// Language, light or dark; and for who has an account: business, password, their data, and the end of it.
import { html, part, plain, signal } from '../../parts/view.js';
import { LANGUAGES, choose, language, say } from '../../parts/words.js';
import { call, get, isKnown, logOut, put, remove, takeTokens } from '../../parts/api.js';
import { forget, keep, kept } from '../../parts/kept.js';
import { Ask, Field, Head, Read, Wrong, deed, icon, reading } from '../../parts/blocks.js';
import { running } from '../mine.js';

const theme = signal(kept('theme', ''));

function paint(wish) {
  theme.value = wish;
  keep('theme', wish || null);
  if (wish) document.documentElement.dataset.theme = wish;
  else delete document.documentElement.dataset.theme;
}

async function speak(wish) {
  await choose(wish);
  // Mails and papers come in it too.
  if (isKnown.value) call('PATCH', '/v1/me', { locale: wish }).catch(() => {});
}

const Choice = plain(({ label, name, options, value, pick }) => html`<fieldset class="stack tight"><legend class="legend">${label}</legend><div class="choices">
  ${options.map(([key, text]) => html`<label key=${key} class="choice" lang=${name === 'language' ? key : null}><input type="radio" name=${name} checked=${value === key} onChange=${() => pick(key)} /><span>${text}</span></label>`)}</div></fieldset>`);

const Business = part((_, life) => {
  const names = ['name', 'address', 'postal_code', 'city', 'country', 'vat_id', 'reference'];
  const it = signal(null);
  const known = reading(async () => { it.value ??= await get('/v1/me/business'); return it.value; });
  const saving = deed();
  const isSaved = signal(false);
  life.begun(() => { known.load(); });
  const save = (event) => {
    event.preventDefault();
    saving.run(async () => {
      const sent = it.value;
      const told = await put('/v1/me/business', Object.fromEntries(names.map((name) => [name, sent[name] ?? ''])));
      // What was typed meanwhile stays, and is not saved yet.
      isSaved.value = it.value === sent;
      if (isSaved.value) it.value = { ...sent, ...told };
    });
  };
  return () => html`<details class="sheet"><summary>${say('business')}</summary><form class="stack" onSubmit=${save}><p class="quiet small">${say('business.text')}</p>
    <${Read} from=${known} text=${say('business.looks')}>${() => html`<div class="stack">${names.map((name) => html`<${Field} key=${name} id=${`business-${name}`} label=${say(`business.${name}`)} value=${it.value[name] ?? ''} onInput=${(event) => { it.value = { ...it.value, [name]: event.target.value }; isSaved.value = false; }} />`)}
    ${saving.error.value ? html`<${Wrong} error=${saving.error.value} />` : null}
    <button class="button line wide" aria-disabled=${saving.busy.value}>${say(isSaved.value ? 'saved' : 'save')}</button></div>`}<//></form></details>`;
});

const Password = part(() => {
  const old = signal('');
  const fresh = signal('');
  const isSaved = signal(false);
  const saving = deed();
  const save = (event) => {
    event.preventDefault();
    saving.run(async () => {
      takeTokens(await put('/v1/me/password', { old_password: old.value, new_password: fresh.value }));
      isSaved.value = true;
      [old.value, fresh.value] = ['', ''];
    });
  };
  return () => html`<details class="sheet"><summary>${say('password.change')}</summary><form class="stack" onSubmit=${save}>
    <${Field} id="old-password" type="password" autocomplete="current-password" label=${say('password.old')} required value=${old.value} onInput=${(event) => { old.value = event.target.value; }} />
    <${Field} id="new-password" type="password" autocomplete="new-password" label=${say('password.new')} hint=${say('password.hint')} required minlength="12" value=${fresh.value} onInput=${(event) => { fresh.value = event.target.value; }} />
    ${saving.error.value ? html`<${Wrong} error=${saving.error.value} />` : null}
    <button class="button line wide" aria-disabled=${saving.busy.value}>${say(isSaved.value ? 'saved' : 'forgot.set')}</button></form></details>`;
});

const Data = part((_, life) => {
  const exporting = deed();
  const leaving = deed();
  const isAsked = signal(false);
  const password = signal('');
  const save = () => exporting.run(async () => {
    let [all, cursor] = [null, null];
    do {
      const page = await get(`/v1/me/export${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''}`);
      if (all) all.sessions.push(...page.sessions);
      else all = page;
      cursor = page.next_cursor;
    } while (cursor);
    const file = new Blob([JSON.stringify(all, null, 2)], { type: 'application/json' });
    const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(file), download: 'kerb.json' });
    link.click();
    URL.revokeObjectURL(link.href);
  });
  const leave = () => leaving.run(async () => {
    isAsked.value = false;
    await remove('/v1/me', { password: password.value });
    logOut();
    running.value = null;
    forget();
    life.go('/');
  });
  return () => html`<section class="stack"><h2>${say('data')}</h2>
    <button class="button line wide" aria-disabled=${exporting.busy.value} onClick=${save}>${icon('down')}${say('data.export')}</button>
    ${exporting.error.value ? html`<${Wrong} error=${exporting.error.value} />` : null}
    <details class="sheet"><summary>${say('data.delete')}</summary><form class="stack" onSubmit=${(event) => { event.preventDefault(); isAsked.value = true; }}><p>${say('data.delete.text')}</p>
      <${Field} id="leave-password" type="password" autocomplete="current-password" label=${say('password')} required value=${password.value} onInput=${(event) => { password.value = event.target.value; }} />
      <button class="button stop wide">${say('data.delete')}</button></form></details>
    ${leaving.error.value ? html`<${Wrong} error=${leaving.error.value} />` : null}
    ${isAsked.value ? html`<${Ask} kind="stop" title=${say('data.delete.ask')} text=${say('data.delete.text')} yes=${say('data.delete')} no=${say('cancel')} busy=${leaving.busy.value} onYes=${leave} onNo=${() => { isAsked.value = false; }} />` : null}</section>`;
});

export default part(() => () => html`<div class="page"><${Head} title=${say('settings')} to="/me" /><div class="stack wide">
  <${Choice} label=${say('language')} name="language" value=${language.value} pick=${speak} options=${Object.entries(LANGUAGES)} />
  <${Choice} label=${say('theme')} name="theme" value=${theme.value} pick=${paint} options=${['', 'light', 'dark'].map((it) => [it, say(`theme.${it || 'system'}`)])} />
  ${isKnown.value ? html`<div class="stack tight"><${Business} /><${Password} /></div><${Data} />` : null}
  <p class="small quiet">${say('about')}</p></div></div>`);
