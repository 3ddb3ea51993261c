// How I usually charge: said once, it counts wherever nothing else is said, by app and by RFID card.
import { html, part, signal } from '../../parts/view.js';
import { say } from '../../parts/words.js';
import { get, isKnown, put } from '../../parts/api.js';
import { Field, Head, Note, Read, Wrong, deed, reading } from '../../parts/blocks.js';
import { NeedsLogin } from '../login.js';
import { Choices } from '../wishes.js';

const PATH = '/v1/me/charging-preferences';
const PROFILES = ['cheap', 'green'];
const anywhere = (items) => items.find((it) => it.site_id === null);

const Form = part(({ items, load }) => {
  const known = anywhere(items);
  const profile = signal(known?.profile ?? PROFILES[0]);
  const readyAt = signal(known?.ready_at ?? '07:00');
  const energy = signal(String((known?.energy_wh ?? 20_000) / 1000));
  const saving = deed();
  const isSaved = signal(false);
  const others = items.filter((it) => it.site_id !== null);
  const tell = (mine) => saving.run(async () => {
    await put(PATH, { items: [...others, ...mine] });
    isSaved.value = true;
    load();
  });
  const save = (event) => {
    event.preventDefault();
    tell([{ site_id: null, ready_at: readyAt.value, energy_wh: Math.round(Number(energy.value.replace(',', '.')) * 1000) || null, profile: profile.value }]);
  };
  return () => html`<form class="stack" onSubmit=${save} onInput=${() => { isSaved.value = false; }}>
    ${known ? html`<${Note} kind="go" sign="check"><p>${say('usual.is', { time: known.ready_at })}</p><//>` : null}
    <${Choices} name="profile" label=${say('ready')} value=${profile.value} choose=${(it) => { profile.value = it; }} options=${PROFILES.map((it) => [it, say(`ready.${it}`)])} />
    <${Field} id="usual-ready" type="time" label=${say('ready.by')} hint=${say('usual.ready.hint')} required value=${readyAt.value} onInput=${(event) => { readyAt.value = event.target.value; }} />
    <${Field} id="usual-energy" inputmode="decimal" label=${say('ready.energy')} value=${energy.value} onInput=${(event) => { energy.value = event.target.value; }} />
    ${others.length ? html`<p class="small quiet">${say('usual.others', { n: others.length })}</p>` : null}
    ${saving.error.value ? html`<${Wrong} error=${saving.error.value} />` : null}
    <button class="button main wide huge" aria-disabled=${saving.busy.value}>${say(isSaved.value ? 'saved' : 'save')}</button>
    ${known ? html`<button type="button" class="button plain" onClick=${() => tell([])}>${say('usual.end')}</button>` : null}</form>`;
});

export default part((_, life) => {
  const usual = reading(async () => (await get(PATH)).items);
  life.begun(() => { if (isKnown.value) usual.load(); });
  return () => {
    if (!isKnown.value) return html`<${NeedsLogin} title=${say('usual')} sign="clock" />`;
    return html`<div class="page"><${Head} title=${say('usual')} to="/me" /><div class="stack"><p class="quiet">${say('usual.text')}</p>
      <${Read} from=${usual} text=${say('usual.looks')}>${(items) => html`<${Form} key=${JSON.stringify(items)} items=${items} load=${usual.load} />`}<//></div></div>`;
  };
});
