// A session as it goes: told by the socket, asked for where there is none; and since when nothing was heard.
// A page that nobody sees says so, and costs nothing.
import { inOrder, signal } from './view.js';

const ASK_S = 4;
const SOON_S = 1;
const STALE_S = 20;

// `load()` asks the API for the session; what it `keeps` the socket does not tell, or otherwise. Returns the signals, and `end`.
export function follow(load, { first = null, keeps = [] } = {}) {
  const session = signal(first);
  const heardAt = signal(first ? Date.now() : 0);
  const error = signal(null);
  let socket = null;
  let timer = null;
  let renewal = null;
  let lastEvent;
  const asking = inOrder();
  let tries = 0;
  // How often in a row an answer knew what an open socket had not told.
  let missed = 0;
  let hasEnded = false;

  const isOver = () => session.value !== null && session.value.live_socket === null && session.value.live_url === null && ['completed', 'failed'].includes(session.value.state);

  function take(told) {
    asking()();
    // What the socket tells bears no link of its own: the one we came by is kept.
    const { live_socket, live_url } = session.value ?? {};
    const same = Object.fromEntries(keeps.map((name) => [name, session.value?.[name]]));
    session.value = { ...told, live_socket: told.live_socket ?? live_socket ?? null, live_url: told.live_url ?? live_url ?? null, ...same };
    heardAt.value = Date.now();
    error.value = null;
  }

  async function ask() {
    clearTimeout(timer);
    if (hasEnded || document.hidden) return;
    const isNewer = asking();
    try {
      const told = await load();
      if (hasEnded) return;
      // What was told meanwhile is newer than an answer that was under way.
      if (isNewer()) listen(told);
      heardAt.value = Date.now();
      error.value = null;
      tries = 0;
      if (told.live_socket && socket === null) open(told.live_socket);
    } catch (refused) {
      error.value = refused;
      tries += 1;
    }
    if (isOver()) return;
    // With a socket it is only asked for what the socket may have lost.
    const wait = error.value ? Math.min(15, SOON_S * 2 ** tries) : isListening() && !missed ? 15 : session.value.state === 'active' ? ASK_S : SOON_S;
    clearTimeout(timer);
    timer = setTimeout(ask, wait * 1000);
  }

  // A socket that looks open and tells nothing (a phone that changed its network) is given up when it has missed twice.
  function listen(told) {
    const shown = session.value;
    const isNews = shown !== null && (told.state !== shown.state || told.energy_wh !== shown.energy_wh);
    missed = isListening() && isNews ? missed + 1 : 0;
    session.value = told;
    if (missed > 1) socket.close();
  }

  const isListening = () => socket !== null && socket.readyState === WebSocket.OPEN;

  function open(where) {
    try {
      socket = new WebSocket(where.url, where.subprotocols);
    } catch {
      socket = null;
      return;
    }
    const say = (visible) => {
      if (!isListening()) return;
      const seen = lastEvent === undefined ? {} : { last_event_id: lastEvent };
      socket.send(JSON.stringify({ topic: where.topic, visible, ...(visible ? seen : {}) }));
    };
    socket.say = say;
    socket.onopen = () => say(true);
    renewal = setInterval(() => say(true), where.renew_within_s * 1000);
    socket.onmessage = (message) => {
      const told = JSON.parse(message.data);
      if (told.events?.length) missed = 0;
      for (const event of told.events ?? []) {
        lastEvent = event.id;
        if (event.data) take(event.data);
        if (event.event === 'end') ask();
      }
      if (told.events) heardAt.value = Date.now();
    };
    socket.onclose = () => {
      clearInterval(renewal);
      socket = null;
      if (!hasEnded && !isOver()) {
        clearTimeout(timer);
        timer = setTimeout(ask, SOON_S * 1000);
      }
    };
  }

  function turn() {
    if (document.hidden) {
      clearTimeout(timer);
      socket?.say(false);
    } else if (!isOver()) {
      socket?.say(true);
      ask();
    }
  }

  document.addEventListener('visibilitychange', turn);
  addEventListener('online', ask);
  ask();
  return {
    session,
    heardAt,
    error,
    ask,
    take,
    isStale: (at) => heardAt.value > 0 && (error.value !== null ? at - heardAt.value > 4_000 : !isOver() && at - heardAt.value > STALE_S * 2 * 1000),
    end() {
      hasEnded = true;
      clearTimeout(timer);
      clearInterval(renewal);
      document.removeEventListener('visibilitychange', turn);
      removeEventListener('online', ask);
      socket?.close();
    },
  };
}
