// What needs an account says so, and comes back to where one was.
import { html, plain, place } from '../parts/view.js';
import { say } from '../parts/words.js';
import { Empty, Head } from '../parts/blocks.js';

export const NeedsLogin = plain(({ title, sign = 'person' }) => {
  const then = `?then=${encodeURIComponent(place.value.path)}`;
  return html`<div class="page"><${Head} title=${title} /><${Empty} sign=${sign} title=${say('login.needed')}><p>${say('login.needed.text')}</p>
    <a class="button main" href=${`#/sign-in${then}`}>${say('sign.in')}</a><a class="button line" href=${`#/sign-up${then}`}>${say('sign.up')}</a><//></div>`;
});
