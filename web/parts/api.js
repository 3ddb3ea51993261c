// The API as /v1/openapi.json describes it: who calls, what was refused, and what to do when the line is gone.
import { forget, kept, keep } from './kept.js';
import { say, knows } from './words.js';
import { signal } from './view.js';

export const config = { api: '', stripe: 'local', home: null };
// Whether somebody is logged in, and whether the line is there, as the last request found it.
export const isKnown = signal(kept('tokens') !== null);
export const isOnline = signal(navigator.onLine);
addEventListener('online', () => { isOnline.value = true; });
addEventListener('offline', () => { isOnline.value = false; });

// `settings`: what the page was told of its deployment.
export function configure(settings) {
  Object.assign(config, settings);
}

// `code` is the problem's (docs/api.md), or `no_line` where nobody answered.
export class Refused extends Error {
  constructor(code, status, detail, errors = []) {
    super(detail);
    Object.assign(this, { code, status, errors });
  }

  get text() {
    return knows(`refused.${this.code}`) ? say(`refused.${this.code}`) : this.message;
  }
}

export const textOf = (error) => (error instanceof Refused ? error.text : say('refused.internal'));

let refreshing = null;

// What was kept of somebody's charges goes with them: the next to hold this phone may be another.
const THEIRS = ['tokens', 'session.', 'stop.', 'running', 'car.'];

function remember(tokens) {
  if (!tokens) forget(THEIRS);
  else keep('tokens', { ...tokens, until: Date.now() + tokens.expires_in * 1000 });
  isKnown.value = tokens !== null;
}

export const logIn = async (email, password, code) => {
  const body = { email, password, ...(code ? { code } : {}) };
  remember(await call('POST', '/v1/login', body, { isOpen: true }));
};

export const takeTokens = remember;
export const logOut = () => remember(null);

async function token() {
  const tokens = kept('tokens');
  if (tokens === null) return null;
  if (tokens.until - Date.now() > 60_000) return tokens.access_token;
  // One refresh for all who wait for it.
  refreshing ??= refresh(tokens).finally(() => { refreshing = null; });
  return refreshing;
}

async function refresh(tokens) {
  try {
    const fresh = await call('POST', '/v1/login/refresh', { refresh_token: tokens.refresh_token }, { isOpen: true });
    remember({ refresh_token: tokens.refresh_token, ...fresh });
    return fresh.access_token;
  } catch (error) {
    if (error.code === 'no_line') throw error;
    remember(null);
    return null;
  }
}

// `key`: the same wish again is the same thing. `isOpen`: without a token. `raw`: the answer as it is.
export async function call(method, path, body, { key, headers = {}, isOpen = false, raw = false } = {}) {
  const bearer = isOpen ? null : await token();
  const sent = { ...headers };
  if (bearer) sent.Authorization = `Bearer ${bearer}`;
  if (key) sent['Idempotency-Key'] = key;
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(config.api + path, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    isOnline.value = false;
    throw new Refused('no_line', 0, 'no line');
  }
  isOnline.value = true;
  if (raw && answer.ok) return answer;
  const text = await answer.text();
  const told = text && answer.headers.get('Content-Type')?.includes('json') ? JSON.parse(text) : {};
  if (answer.ok) return told;
  if (answer.status === 401 && bearer) remember(null);
  throw new Refused(String(told.type ?? '').replace('urn:kerb:problem:', '') || 'internal', answer.status, told.detail ?? '', told.errors);
}

export const get = (path, options) => call('GET', path, undefined, options);
export const post = (path, body = {}, options) => call('POST', path, body, options);
export const put = (path, body = {}, options) => call('PUT', path, body, options);
export const remove = (path, body, options) => call('DELETE', path, body, options);
export const newKey = () => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((it) => it.toString(16).padStart(2, '0')).join('');
