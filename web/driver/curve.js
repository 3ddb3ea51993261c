// Power over time, drawn as it comes; the same in a sentence for whoever does not see it.
import { html, part, signal } from '../parts/view.js';
import { clockTime, kw, say } from '../parts/words.js';
import { get } from '../parts/api.js';

const UPLOT = '/vendor/uplot-1.6.32/uPlot.iife.min.js';
const AGAIN_S = 10;
let loading = null;

function load() {
  loading ??= new Promise((done, failed) => {
    document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '/vendor/uplot-1.6.32/uPlot.min.css' }));
    document.head.append(Object.assign(document.createElement('script'), { src: UPLOT, onload: done, onerror: failed }));
  });
  return loading;
}

const token = (name) => {
  // light-dark() is resolved on a property that takes a colour.
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = `var(${name})`;
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
};

export const Curve = part(({ session }, life) => {
  const points = signal([]);
  let chart = null;
  let place = null;

  function draw() {
    if (!place?.isConnected || !globalThis.uPlot || points.value.length < 2) return;
    const data = [points.value.map((it) => Date.parse(it.at) / 1000), points.value.map((it) => it.power_w / 1000)];
    if (chart) {
      chart.setData(data);
      return;
    }
    const axis = { stroke: token('--ink-2'), grid: { stroke: token('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui' };
    chart = new globalThis.uPlot({
      width: place.clientWidth, height: place.clientHeight, legend: { show: false }, cursor: { show: false },
      scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
      axes: [{ ...axis, space: 80, values: (_, all) => all.map((it) => clockTime(it * 1000)) }, { ...axis, size: 44, space: 32 }],
      series: [{}, { stroke: token('--go'), fill: token('--go-soft'), width: 2, points: { show: false } }],
    }, data, place);
  }

  async function look() {
    if (document.hidden) return;
    try {
      const told = await get(`/v1/sessions/${session.session_id}/curve?points=120`);
      points.value = told.points.filter((it) => it.power_w !== null);
      await load();
      requestAnimationFrame(draw);
    } catch {
      // The figures are there all the same.
    }
  }

  life.begun(() => {
    look();
    const timer = session.state === 'active' ? setInterval(look, AGAIN_S * 1000) : null;
    const fit = () => chart?.setSize({ width: place.clientWidth, height: place.clientHeight });
    addEventListener('resize', fit);
    return () => {
      clearInterval(timer);
      removeEventListener('resize', fit);
      chart?.destroy();
    };
  });

  return () => {
    const all = points.value;
    const most = Math.max(0, ...all.map((it) => it.power_w));
    const text = all.length < 2 ? say('curve.none') : say('curve.text', { from: clockTime(all[0].at), to: clockTime(all.at(-1).at), most: kw(most), last: kw(all.at(-1).power_w) });
    return html`<section class="sheet stack tight"><h2>${say('curve')}</h2>
      <div class="curve" ref=${(it) => { place = it; }} role="img" aria-label=${text} hidden=${all.length < 2}></div>
      ${all.length < 2 ? html`<p class="quiet small">${text}</p>` : null}</section>`;
  };
});
