// The code at a charger: by the camera, or typed. It leads to the charger's page, signed in or not.
import { html, part, signal } from '../../parts/view.js';
import { say } from '../../parts/words.js';
import { Field, Head, Note } from '../../parts/blocks.js';

const DECODER = '../../vendor/jsqr-1.4.0/jsQR.js';
const LOOK_MS = 200;
const ID = /^[A-Za-z0-9*\-_=:+|@.]{1,48}$/;

// A code is an address that ends in a charger and its connector, or a charger's id alone.
export function chargerOf(code) {
  const path = code.includes('#/') ? code.slice(code.indexOf('#/') + 2) : code.replace(/^https?:\/\/[^/]+\//, '');
  const parts = path.split(/[/?]/).filter(Boolean).map((it) => { try { return decodeURIComponent(it); } catch { return ''; } });
  const at = parts.findIndex((it) => ['charger', 'c', 'pay'].includes(it));
  const [id, connector] = at >= 0 ? parts.slice(at + 1) : parts;
  if (!ID.test(id ?? '')) return null;
  return /^[1-9]\d{0,3}(\.[1-9]\d{0,2})?$/.test(connector ?? '') ? `/charger/${encodeURIComponent(id)}/${connector}` : `/charger/${encodeURIComponent(id)}`;
}

async function decoder() {
  if ('BarcodeDetector' in globalThis) {
    const detector = new globalThis.BarcodeDetector({ formats: ['qr_code'] });
    return async (video) => (await detector.detect(video))[0]?.rawValue;
  }
  await import(DECODER);
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  return async (video) => {
    if (!video.videoWidth) return undefined;
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    pen.drawImage(video, 0, 0);
    return globalThis.jsQR(pen.getImageData(0, 0, canvas.width, canvas.height).data, canvas.width, canvas.height)?.data;
  };
}

export default part((_, life) => {
  const typed = signal('');
  const problem = signal(null);
  const isLooking = signal(false);
  let video = null;
  let stream = null;
  let timer = null;

  function take(code) {
    const path = chargerOf(code.trim());
    if (path) life.replace(path);
    else problem.value = 'scan.unknown';
    return path !== null;
  }

  async function look() {
    problem.value = null;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      // Who left while the browser asked has no use for a camera.
      if (!video) { letGo(); return; }
      video.srcObject = stream;
      await video.play();
      isLooking.value = true;
      const read = await decoder();
      const again = async () => {
        if (!stream) return;
        const code = await read(video).catch(() => undefined);
        if (!code || !take(code)) timer = setTimeout(again, LOOK_MS);
      };
      again();
    } catch {
      problem.value = 'scan.no.camera';
    }
  }
  function letGo() {
    clearTimeout(timer);
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
  }
  life.ended(letGo);

  return () => html`<div class="page"><${Head} title=${say('scan')} to="/" /><div class="stack wide">
    <div class="camera" hidden=${!isLooking.value}><video ref=${(it) => { video = it; }} muted playsinline aria-label=${say('scan.picture')}></video></div>
    ${isLooking.value ? html`<p role="status" class="quiet">${say('scan.hold')}</p>` : html`<button class="button main wide huge" onClick=${look}>${say('scan.camera')}</button>`}
    ${problem.value ? html`<${Note} kind="wait"><p role="alert">${say(problem.value)}</p><//>` : null}
    <form class="stack" onSubmit=${(event) => { event.preventDefault(); take(typed.value); }}>
      <${Field} id="charger-code" label=${say('scan.type')} hint=${say('scan.type.hint')} autocomplete="off" autocapitalize="characters" spellcheck=${false} value=${typed.value} onInput=${(event) => { typed.value = event.target.value; }} />
      <button class="button line wide">${say('scan.go')}</button></form></div></div>`;
});
