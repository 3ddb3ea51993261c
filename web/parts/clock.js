// Now, each second, as long as somebody who can see it looks.
import { signal } from './view.js';

let timer = null;
export const now = signal(Date.now(), { watched: start, unwatched: stop });

function tick() {
  now.value = Date.now();
}
function start() {
  if (timer === null && !document.hidden) timer = setInterval(tick, 1000);
  queueMicrotask(tick);
  document.addEventListener('visibilitychange', turn);
}
function stop() {
  clearInterval(timer);
  timer = null;
  document.removeEventListener('visibilitychange', turn);
}
function turn() {
  stop();
  start();
}
