// Me: what is mine, and where it is changed.
import { html, part, plain } from '../../parts/view.js';
import { say } from '../../parts/words.js';
import { get, isKnown, logOut, post } from '../../parts/api.js';
import { Head, Read, reading, icon } from '../../parts/blocks.js';
import { Debts, running } from '../mine.js';

const Row = plain(({ to, sign, children }) => html`<a class="row-link" href=${`#/${to}`}>${icon(sign)}<span class="grow strong">${children}</span>${icon('next', 'small')}</a>`);

export default part((_, life) => {
  const me = reading(() => get('/v1/me'));
  life.begun(() => { if (isKnown.value) me.load(); });
  const leave = async () => {
    await post('/v1/logout').catch(() => {});
    logOut();
    running.value = null;
  };
  return () => html`<div class="page"><${Head} title=${say('nav.me')} /><div class="stack wide">
    ${isKnown.value ? html`<${Debts} /><${Read} from=${me} text=${say('me.looks')}>${(it) => html`<div class="sheet"><p class="strong">${it.email}</p><p class="quiet">${it.card ? say('me.card', { card: it.card }) : say('me.no.card')}</p></div>`}<//>
      <nav class="rows" aria-label=${say('nav.me')}><${Row} to="wallet" sign="wallet">${say('wallet')}<//><${Row} to="cards" sign="card">${say('cards')}<//><${Row} to="tokens" sign="tag">${say('tokens')}<//><${Row} to="notices" sign="bell">${say('notices')}<//><${Row} to="usual" sign="clock">${say('usual')}<//><${Row} to="cars" sign="plug">${say('cars')}<//><${Row} to="organisations" sign="shield">${say('organisations')}<//><${Row} to="balance" sign="lock">${say('balance')}<//><${Row} to="settings" sign="globe">${say('settings')}<//></nav>
      <button class="button line wide" onClick=${leave}>${icon('out')}${say('log.out')}</button>`
    : html`<p class="quiet">${say('me.text')}</p><a class="button main wide huge" href="#/sign-in?then=%2Fme">${say('sign.in')}</a><a class="button line wide" href="#/sign-up?then=%2Fme">${say('sign.up')}</a>
      <nav class="rows" aria-label=${say('nav.me')}><${Row} to="settings" sign="globe">${say('settings')}<//></nav>`}
  </div></div>`;
});
