// What a car says of itself, in words, and how old that is.
import { duration, moment, say } from '../parts/words.js';

export const pathOf = (id) => `/v1/me/vehicles/${encodeURIComponent(id)}`;

// "now", or since when: what a car said hours ago is never shown as if it were so.
export const toldAt = (told) => (told.is_fresh ? say('car.told.now') : say('car.told', { time: moment(told.at), age: duration(told.age_s) }));

export function stateOf(car) {
  if (car.standing === 'link_broken' || car.standing === 'maker_gone') return { tone: 'wrong', text: say(`car.standing.${car.standing}`) };
  if (car.charging?.is_fresh && car.charging.value === 'charging') return { tone: 'go', text: say('car.charging') };
  if (car.is_plugged?.is_fresh) return { tone: car.is_plugged.value ? 'wait' : '', text: say(car.is_plugged.value ? 'car.plugged' : 'car.unplugged') };
  return { tone: '', text: say(`car.standing.${car.standing}`) };
}
