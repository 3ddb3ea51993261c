// Sign up, sign in, confirm an address, set another password.
import { html, part, signal, place } from '../../parts/view.js';
import { say } from '../../parts/words.js';
import { logIn, post } from '../../parts/api.js';
import { Field, Head, Wrong, deed } from '../../parts/blocks.js';
import { lookForDebts, lookForRunning } from '../mine.js';

// The password lives in memory between signing up and the code, and nowhere else.
const known = { email: '', password: '' };

function value(name, from = '') {
  const it = signal(from);
  return { it, bound: { value: it, name, onInput: (event) => { it.value = event.target.value; } } };
}

const bound = (field) => ({ ...field.bound, value: field.it.value });
const then = () => place.value.query.get('then') ?? '/';
const query = () => (place.value.query.get('then') ? `?then=${encodeURIComponent(then())}` : '');

async function enter(email, password, code) {
  await logIn(email, password, code);
  Object.assign(known, { email: '', password: '' });
  lookForRunning();
  lookForDebts();
}

const SignIn = part((_, life) => {
  const [email, password, code] = [value('email', known.email), value('password'), value('code')];
  const asksCode = signal(false);
  const doing = deed();
  const send = (event) => {
    event.preventDefault();
    doing.run(async () => {
      try {
        await enter(email.it.value.trim(), password.it.value, code.it.value.trim());
        life.replace(then());
      } catch (error) {
        if (error.code === 'code_needed') { asksCode.value = true; return; }
        throw error;
      }
    });
  };
  return () => html`<div class="page"><${Head} title=${say('sign.in')} to="/" /><form class="stack" onSubmit=${send}>
    ${doing.error.value ? html`<${Wrong} error=${doing.error.value} />` : null}
    <${Field} id="email" label=${say('email')} type="email" autocomplete="username" required ...${bound(email)} />
    <${Field} id="password" label=${say('password')} type="password" autocomplete="current-password" required ...${bound(password)} />
    ${asksCode.value ? html`<${Field} id="code" label=${say('second.code')} inputmode="numeric" autocomplete="one-time-code" required ...${bound(code)} />` : null}
    <button class="button main wide huge" aria-disabled=${doing.busy.value}>${say(doing.busy.value ? 'sign.in.asks' : 'sign.in')}</button>
    <div class="row wrap"><a class="button plain" href=${`#/forgot${query()}`}>${say('password.forgot')}</a>
      <a class="button plain" href=${`#/confirm${query()}`}>${say('confirm')}</a></div>
    <a class="button line wide" href=${`#/sign-up${query()}`}>${say('sign.up')}</a></form></div>`;
});

const SignUp = part((_, life) => {
  const [email, password] = [value('email'), value('password')];
  const doing = deed();
  const send = (event) => {
    event.preventDefault();
    doing.run(async () => {
      const [address, secret] = [email.it.value.trim(), password.it.value];
      await post('/v1/drivers', { email: address, password: secret }, { isOpen: true });
      Object.assign(known, { email: address, password: secret });
      try {
        // A deployment may confirm by itself; where it does not, the code comes by mail.
        await enter(address, secret);
        life.replace(`/cards/new?then=${encodeURIComponent(then())}`);
      } catch {
        life.go(`/confirm${query()}`);
      }
    });
  };
  return () => html`<div class="page"><${Head} title=${say('sign.up')} to="/" /><form class="stack" onSubmit=${send}>
    <p class="quiet">${say('sign.up.text')}</p>
    ${doing.error.value ? html`<${Wrong} error=${doing.error.value} />` : null}
    <${Field} id="email" label=${say('email')} type="email" autocomplete="username" required ...${bound(email)} />
    <${Field} id="password" label=${say('password')} hint=${say('password.hint')} type="password" autocomplete="new-password" minlength="12" required ...${bound(password)} />
    <button class="button main wide huge" aria-disabled=${doing.busy.value}>${say(doing.busy.value ? 'sign.up.asks' : 'sign.up')}</button>
    <a class="button plain" href=${`#/sign-in${query()}`}>${say('sign.in.instead')}</a></form></div>`;
});

const Confirm = part((_, life) => {
  const [email, code] = [value('email', known.email), value('code')];
  const doing = deed();
  const isSent = signal(false);
  const send = (event) => {
    event.preventDefault();
    doing.run(async () => {
      await post('/v1/drivers/confirm', { email: email.it.value.trim(), code: code.it.value.trim() }, { isOpen: true });
      if (!known.password) { life.replace(`/sign-in${query()}`); return; }
      await enter(email.it.value.trim(), known.password);
      life.replace(`/cards/new?then=${encodeURIComponent(then())}`);
    });
  };
  const again = () => doing.run(async () => {
    await post('/v1/drivers/resend', { email: email.it.value.trim() }, { isOpen: true });
    isSent.value = true;
  });
  return () => html`<div class="page"><${Head} title=${say('confirm')} to="/" /><form class="stack" onSubmit=${send}>
    <p class="quiet">${say('confirm.text')}</p>
    ${doing.error.value ? html`<${Wrong} error=${doing.error.value} />` : null}
    ${known.email ? null : html`<${Field} id="email" label=${say('email')} type="email" required ...${bound(email)} />`}
    <${Field} id="code" label=${say('confirm.code')} inputmode="numeric" autocomplete="one-time-code" required ...${bound(code)} />
    <button class="button main wide huge" aria-disabled=${doing.busy.value}>${say('confirm.send')}</button>
    <button type="button" class="button plain" onClick=${again}>${say(isSent.value ? 'confirm.sent' : 'confirm.again')}</button></form></div>`;
});

const Forgot = part((_, life) => {
  const [email, code, password] = [value('email'), value('code'), value('password')];
  const isMailed = signal(false);
  const doing = deed();
  const send = (event) => {
    event.preventDefault();
    doing.run(async () => {
      const address = email.it.value.trim();
      if (!isMailed.value) {
        await post('/v1/password/forgot', { email: address }, { isOpen: true });
        isMailed.value = true;
        return;
      }
      await post('/v1/password/reset', { email: address, code: code.it.value.trim(), password: password.it.value }, { isOpen: true });
      await enter(address, password.it.value);
      life.replace(then());
    });
  };
  return () => html`<div class="page"><${Head} title=${say('password.forgot')} to="/sign-in" /><form class="stack" onSubmit=${send}>
    <p class="quiet">${say(isMailed.value ? 'forgot.mailed' : 'forgot.text')}</p>
    ${doing.error.value ? html`<${Wrong} error=${doing.error.value} />` : null}
    <${Field} id="email" label=${say('email')} type="email" autocomplete="username" required readonly=${isMailed.value} ...${bound(email)} />
    ${isMailed.value ? html`<${Field} id="code" label=${say('confirm.code')} inputmode="numeric" autocomplete="one-time-code" required ...${bound(code)} />
      <${Field} id="password" label=${say('password.new')} hint=${say('password.hint')} type="password" autocomplete="new-password" minlength="12" required ...${bound(password)} />` : null}
    <button class="button main wide huge" aria-disabled=${doing.busy.value}>${say(isMailed.value ? 'forgot.set' : 'forgot.send')}</button></form></div>`;
});

const PAGES = { 'sign-in': SignIn, 'sign-up': SignUp, confirm: Confirm, forgot: Forgot };
export default part(({ name }) => () => html`<${PAGES[name]} />`);
