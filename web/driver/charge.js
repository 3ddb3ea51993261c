// What a charge is in words: what happens now, what will happen, what it costs.
import { clockTime, countdown, day, duration, money, moment, price, say } from '../parts/words.js';
import { isOver } from './mine.js';

// `tone`: go, wait, wrong, over. `title` is what happens now, `next` what will, or what to do.
export function situation(session, at) {
  if (session.state === 'initiated') return beginning(session, at);
  if (session.state === 'active') return charging(session, at);
  if (session.state === 'stopping') return ending(session);
  if (session.state === 'completed') return over(session);
  const cost = session.cost.total_minor;
  return {
    tone: 'wrong',
    title: say('now.failed'),
    next: `${say(`reason.${session.reason ?? 'internal'}`)} ${cost === 0 ? say('now.nothing.charged') : ''}`.trim(),
  };
}

function beginning(session, at) {
  if (session.action) return { tone: 'wait', title: say('now.bank.asks'), next: say('now.bank.asks.next') };
  if (session.held_minor === null && session.deposit_url) return { tone: 'wait', title: say('now.deposit'), next: say('now.deposit.next') };
  if (session.held_minor === null && session.prices.hold_minor > 0) return { tone: 'wait', title: say('now.setting.aside'), next: say('now.setting.aside.next') };
  const left = session.start_before ? (Date.parse(session.start_before) - at) / 1000 : 0;
  if (left > 0) return { tone: 'wait', title: say('now.plug.in'), countdown: countdown(left), next: say('now.plug.in.next', { connector: session.connector }) };
  return { tone: 'wait', title: say('now.starting'), next: say('now.starting.next') };
}

function charging(session, at) {
  if (session.charger_offline_since) {
    return { tone: 'wait', title: say('now.charger.away'), next: say('now.charger.away.next', { time: clockTime(session.charger_offline_since) }) };
  }
  if (session.idle) return idle(session, at);
  if (isWaiting(session, at)) {
    const { starts_at: starts, ready_at: ready, waits_for: cause } = session.plan;
    const until = ready ? ` ${say('now.planned.ready', { time: moment(ready) })}` : '';
    return { tone: 'wait', title: say('now.planned', { time: moment(starts) }), next: say(`now.planned.${cause}`) + until };
  }
  if (session.power_wait) {
    const { cause, until } = session.power_wait;
    return { tone: 'wait', title: say('now.power.waits'), next: say(`now.power.${cause}`) + (until ? ` ${say('now.power.until', { time: clockTime(until) })}` : '') };
  }
  if (session.power_w === 0) return { tone: 'wait', title: say('now.no.power'), next: say('now.no.power.next') };
  return { tone: 'go', title: say('now.charging'), next: stops(session) };
}

// It waits for better hours, as its plan has it.
export const isWaiting = (session, at) => Boolean(session.state === 'active' && session.plan?.waits_for && Date.parse(session.plan.starts_at) > at);

function idle(session, at) {
  const { free_until: until, price_per_minute: each } = session.idle;
  const left = (Date.parse(until) - at) / 1000;
  if (left > 0) return { tone: 'wait', title: say('now.full'), countdown: countdown(left), next: say('now.full.free', { time: clockTime(until) }) };
  return { tone: 'wrong', title: say('now.full'), next: say('now.full.costs', { price: price(each ?? 0, session.cost.currency) }) };
}

function ending(session) {
  if (session.idle) return { tone: 'wait', title: say('now.unplug'), next: say('now.unplug.next') };
  return { tone: 'wait', title: say('now.stopping'), next: say('now.stopping.next') };
}

function over(session) {
  const { due_minor: due, paid_minor: paid, cost } = session;
  if (due > 0) return { tone: 'wrong', title: say('now.unpaid'), next: say('now.unpaid.next', { amount: money(due, cost.currency) }) };
  if (paid === null && cost.total_minor > 0 && !session.receipt_url) return { tone: 'over', title: say('now.over'), next: say('now.paying', { amount: money(cost.total_minor, cost.currency) }) };
  if (!paid) return { tone: 'over', title: say('now.over'), next: say('now.nothing.charged') };
  return { tone: 'over', title: say('now.over'), next: say('now.paid', { amount: money(paid, cost.currency) }) };
}

// When it ends by itself.
export function stops(session) {
  const limits = session.limits ?? {};
  if (limits.soc_percent) return say('stops.percent', { n: limits.soc_percent });
  if (limits.amount_minor) return say('stops.amount', { amount: money(limits.amount_minor, session.cost.currency) });
  if (limits.energy_wh) return say('stops.energy', { n: Math.round(limits.energy_wh / 1000) });
  if (limits.duration_s) return say('stops.time', { time: duration(limits.duration_s) });
  if (session.plan?.ready_at) return say('stops.ready', { time: moment(session.plan.ready_at) });
  return say('stops.full');
}

export const dayOf = (at) => day(at);

// What the words for a connector's status are, and how it looks.
const TONES = { available: 'go', preparing: 'wait', charging: 'wait', suspended_by_car: 'wait', suspended_by_charger: 'wait', finishing: 'wait', occupied: 'wait', reserved: 'wait', faulted: 'wrong', unavailable: 'wrong' };
export function connectorState(connector, isThere) {
  if (!isThere) return { tone: 'wrong', text: say('status.offline') };
  if (connector.in_use) return { tone: 'wait', text: say('status.charging') };
  return { tone: TONES[connector.status] ?? '', text: say(`status.${connector.status}`) };
}
export const canStart = (connector, isThere) => isThere && !connector.in_use && ['available', 'preparing', 'occupied', 'reserved', 'finishing', 'unknown'].includes(connector.status);
