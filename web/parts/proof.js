// Checks in the browser that a settled charge, or an invoice, is in the log: docs/proof.md, and cli/proof.py for all of it.
// Inclusion (RFC 9162), the checkpoint's signature, the hashes of what was logged, and the sums of bill or paper.
const text = new TextEncoder();
const bytesOf = (base64) => Uint8Array.from(atob(base64), (it) => it.charCodeAt(0));
const joined = (...all) => Uint8Array.from(all.flatMap((it) => [...it]));
const hash = async (...all) => new Uint8Array(await crypto.subtle.digest('SHA-256', joined(...all)));
const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
const isSame = (one, other) => one.length === other.length && one.every((it, at) => it === other[at]);
// What an entry says it is, by the parts that its proof opens.
const ENTRIES = { 'facts bill signed': 'kerb-settled/v1', paper: 'kerb-invoice/v1' };

export function parse(proof) {
  const cut = proof.indexOf('\n\n');
  const [first, extra, index, ...hashes] = proof.slice(0, cut).split('\n');
  if (first !== 'c2sp.org/tlog-proof@v1' || !extra?.startsWith('extra ') || !index?.startsWith('index ')) throw new Error('form');
  const note = proof.slice(cut + 2);
  const end = note.lastIndexOf('\n\n');
  const body = note.slice(0, end + 1);
  const [origin, size, root] = body.split('\n');
  return {
    opened: JSON.parse(new TextDecoder().decode(bytesOf(extra.slice(6)))),
    index: Number(index.slice(6)),
    hashes: hashes.map(bytesOf),
    body,
    signatures: note.slice(end + 2).split('\n').filter(Boolean),
    origin,
    size: Number(size),
    root: bytesOf(root),
  };
}

async function entry(opened) {
  const parts = Object.keys(opened);
  const header = ENTRIES[parts.join(' ')];
  if (!header) throw new Error('form');
  const lines = await Promise.all(parts.map(async (part) => `${part} ${base64(await hash(bytesOf(opened[part].salt), text.encode(opened[part].text)))}\n`));
  return text.encode(`${header}\n${lines.join('')}`);
}

async function rootOf({ index, size, hashes, opened }) {
  if (!(index < size)) return new Uint8Array();
  let found = await hash([0], await entry(opened));
  let [at, last] = [index, size - 1];
  for (const other of hashes) {
    if (last === 0) return new Uint8Array();
    if (at % 2 === 1 || at === last) {
      found = await hash([1], other, found);
      while (at % 2 === 0 && at !== 0) { at = Math.floor(at / 2); last = Math.floor(last / 2); }
    } else {
      found = await hash([1], found, other);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? found : new Uint8Array();
}

async function isSigned({ body, signatures, origin }, verifierKey) {
  // name+id+key; the key is base64, which has plus signs of its own.
  const [, name, encoded] = /^([^+]+)\+[0-9a-f]{8}\+(.+)$/.exec(verifierKey) ?? [];
  const key = bytesOf(encoded);
  if (key[0] !== 1 || origin !== name) return false;
  const id = (await hash(text.encode(`${name}\n`), key)).slice(0, 4);
  const known = await crypto.subtle.importKey('raw', key.slice(1), { name: 'Ed25519' }, false, ['verify']);
  for (const line of signatures) {
    const [, signer, data] = line.split(' ');
    const signature = bytesOf(data);
    if (signer === name && isSame(signature.slice(0, 4), id)) return crypto.subtle.verify('Ed25519', known, signature.slice(4), text.encode(body));
  }
  return false;
}

const sum = (all, name) => all.reduce((total, it) => total + it[name], 0);

// The bill adds up, and is the one that the receipt shows.
function addsUp({ opened }, receipt) {
  if (!opened.bill) return false;
  const { bill } = JSON.parse(opened.bill.text);
  const facts = JSON.parse(opened.facts.text);
  const taxes = sum(bill.taxes, 'amount_minor');
  const lines = sum(bill.lines, 'amount_minor');
  const adds = lines === bill.net_minor || lines === bill.total_minor;
  return adds && bill.net_minor + taxes === bill.total_minor && bill.total_minor === receipt.total_minor && facts.session_id === receipt.session_id;
}

// Lines less allowances come to the net of each rate of VAT, all of it to the total; and it is the paper that is shown.
function isPaper({ opened }, invoice) {
  if (!opened.paper) return false;
  const { number, draft } = JSON.parse(opened.paper.text);
  const netOf = (all, percent) => sum(all.filter((it) => Number(it.percent) === percent), 'net_minor');
  const rates = new Set([...draft.lines, ...draft.allowances, ...draft.taxes].map((it) => Number(it.percent)));
  const adds = [...rates].every((percent) => netOf(draft.lines, percent) - netOf(draft.allowances, percent) === netOf(draft.taxes, percent));
  return adds && number === invoice.number && sum(draft.taxes, 'net_minor') + sum(draft.taxes, 'amount_minor') === invoice.total_minor;
}

// Each check by its name, true or false; `signature` is null where this browser knows no Ed25519.
// `shown`: the receipt, or of what `isInvoice` the invoice or credit note.
export async function check(proof, verifierKey, shown, isInvoice) {
  const told = parse(proof);
  const inclusion = isSame(await rootOf(told), told.root);
  let signature;
  try {
    signature = await isSigned(told, verifierKey);
  } catch {
    signature = null;
  }
  return { index: told.index, size: told.size, checks: { inclusion, signature, sums: (isInvoice ? isPaper : addsUp)(told, shown) } };
}
