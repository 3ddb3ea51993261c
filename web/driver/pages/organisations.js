// Who pays for me: a fleet or an employer, where, by what rules, and what is left of this month.
import { html, part, signal } from '../../parts/view.js';
import { hours, money, say, weekday } from '../../parts/words.js';
import { get, isKnown, post, put, remove } from '../../parts/api.js';
import { Ask, Empty, Facts, Field, Head, Read, Wrong, deed, reading } from '../../parts/blocks.js';
import { NeedsLogin } from '../login.js';

const PATH = '/v1/me/organisations';

const One = part(({ it }) => {
  const isAsked = signal(false);
  const changing = deed();
  const path = `${PATH}/${encodeURIComponent(it.operator_id)}`;
  const { rules } = it;
  return ({ again }) => html`<li class="stack"><div class="now"><p class="quiet">${say('organisation.left', { name: it.name })}</p><p class="price-now" data-figure="left">${money(it.left_minor, it.currency)}</p>
      <p class="quiet">${say(it.is_active ? 'organisation.where' : 'organisation.inactive', { operator: it.operator_id })}</p></div>
    <section class="rows"><label class="switch"><span><span class="strong">${say('organisation.default')}</span><br /><span class="small quiet">${say('organisation.default.text')}</span></span>
      <input type="checkbox" role="switch" checked=${it.pays_by_default} onChange=${() => changing.run(async () => { await put(path, { pays_by_default: !it.pays_by_default }); await again(); })} /></label></section>
    <section class="sheet stack tight"><h2>${say('organisation.rules')}</h2><${Facts} rows=${[
      [say('organisation.sites'), rules.sites.length ? rules.sites.join(', ') : say('organisation.sites.all')],
      [say('organisation.days'), rules.weekdays.length ? rules.weekdays.map((day) => weekday(day)).join(', ') : say('organisation.days.all')],
      (rules.from_h > 0 || rules.until_h < 24) && [say('organisation.hours'), hours(rules.from_h, rules.until_h)],
      rules.session_minor !== null && [say('organisation.most'), money(rules.session_minor, it.currency)],
    ]} /></section>
    ${changing.error.value ? html`<${Wrong} error=${changing.error.value} />` : null}
    <button class="button plain" onClick=${() => { isAsked.value = true; }}>${say('organisation.leave')}</button>
    ${isAsked.value ? html`<${Ask} kind="stop" title=${say('organisation.leave.ask', { name: it.name })} text=${say('organisation.leave.text')} yes=${say('organisation.leave')} no=${say('cancel')} onYes=${() => changing.run(async () => { isAsked.value = false; await remove(path); await again(); })} onNo=${() => { isAsked.value = false; }} />` : null}</li>`;
});

export default part((_, life) => {
  const joined = reading(async () => (await get(PATH)).items);
  const code = signal('');
  const joining = deed();
  life.begun(() => { if (isKnown.value) joined.load(); });
  const join = (event) => {
    event.preventDefault();
    joining.run(async () => { await post(PATH, { code: code.value.trim() }); code.value = ''; await joined.load(); });
  };
  return () => {
    if (!isKnown.value) return html`<${NeedsLogin} title=${say('organisations')} sign="wallet" />`;
    return html`<div class="page"><${Head} title=${say('organisations')} to="/me" /><div class="stack wide">
      <${Read} from=${joined} text=${say('organisations.looks')}>${(items) => (items.length ? html`<ul class="stack wide">${items.map((it) => html`<${One} key=${JSON.stringify(it)} it=${it} again=${joined.load} />`)}</ul>` : html`<${Empty} sign="wallet" title=${say('organisations.none')}><p>${say('organisations.none.next')}</p><//>`)}<//>
      <form class="stack tight" onSubmit=${join}><${Field} id="organisation-code" label=${say('organisation.code')} required autocomplete="off" value=${code.value} onInput=${(event) => { code.value = event.target.value; }} />
        ${joining.error.value ? html`<${Wrong} error=${joining.error.value} />` : null}
        <button class=${`button wide ${joined.value.value?.length ? 'line' : 'main huge'}`} aria-disabled=${joining.busy.value}>${say('organisation.join')}</button></form></div></div>`;
  };
});
