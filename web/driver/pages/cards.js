// Payment cards: which pays, another one, one less.
import { html, part, signal, go, place } from '../../parts/view.js';
import { month, say } from '../../parts/words.js';
import { get, isKnown, post, put, remove } from '../../parts/api.js';
import { CardFields } from '../../parts/card_fields.js';
import { Empty, Head, Read, Waits, Wrong, deed, reading, icon } from '../../parts/blocks.js';
import { NeedsLogin } from '../login.js';

const List = part((_, life) => {
  const cards = reading(async () => (await get('/v1/me/cards')).items);
  const changing = deed();
  life.begun(() => { cards.load(); });
  const change = (work) => changing.run(async () => { await work(); await cards.load(); });
  return () => html`<div class="page"><${Head} title=${say('cards')} to="/me" /><div class="stack">
    ${changing.error.value ? html`<${Wrong} error=${changing.error.value} />` : null}
    <${Read} from=${cards} text=${say('cards.looks')}>${(items) => items.length === 0 ? html`<${Empty} sign="card" title=${say('cards.none')}><p>${say('cards.none.next')}</p><//>` : html`
      <ul class="rows">${items.map((it) => html`<li key=${it.card_id} class="row-link">${icon('card')}<div class="grow">
        <p class="strong">${it.card}</p><p class="small quiet">${say(it.has_expired ? 'card.expired' : 'card.expires', { month: month(it.expires) })}</p></div>
        ${it.is_default ? html`<span class="badge go">${say('card.pays')}</span>` : html`<button class="button plain" onClick=${() => change(() => put('/v1/me/cards/default', { card_id: it.card_id }))}>${say('card.let.pay')}</button>`}
        <button class="button-round" aria-label=${say('card.remove', { card: it.card })} onClick=${() => change(() => remove(`/v1/me/cards/${it.card_id}`))}>${icon('close')}</button></li>`)}</ul>`}<//>
    <a class="button main wide huge" href="#/cards/new">${say('card.add')}</a></div></div>`;
});

const New = part((_, life) => {
  const setup = signal(null);
  const failed = signal(null);
  const give = signal(null);
  const saving = deed();
  const then = place.value.query.get('then') ?? '/cards';
  const begin = () => post('/v1/cards/setup').then((told) => { setup.value = told; }).catch((error) => { failed.value = error; });
  life.begun(() => { begin(); });
  const save = (event) => {
    event.preventDefault();
    if (!give.value) return;
    saving.run(async () => {
      try {
        await give.value();
        await post('/v1/cards', { setup_id: setup.value.setup_id });
      } catch (error) {
        // A setup that failed is over: the next try is another one.
        give.value = null;
        setup.value = null;
        begin();
        throw error;
      }
      life.replace(then);
    });
  };
  return () => html`<div class="page"><${Head} title=${say('card.add')} to=${then} /><form class="stack" onSubmit=${save}>
    <p class="quiet">${say('card.text')}</p>
    ${saving.error.value ? html`<${Wrong} error=${saving.error.value} />` : null}
    ${failed.value ? html`<${Wrong} error=${failed.value} />` : setup.value ? html`<${CardFields} key=${setup.value.setup_id} wish=${setup.value} ready=${(it) => { give.value = it; }} />` : html`<${Waits} text=${say('card.fields.wait')} />`}
    <button class="button main wide huge" aria-disabled=${!give.value || saving.busy.value}>${say(saving.busy.value ? 'card.asks' : 'card.save')}</button>
    <button type="button" class="button plain" onClick=${() => go(then)}>${say('later')}</button>
  </form></div>`;
});

export default part(() => () => {
  if (!isKnown.value) return html`<${NeedsLogin} title=${say('cards')} />`;
  return place.value.parts[1] === 'new' ? html`<${New} />` : html`<${List} />`;
});
