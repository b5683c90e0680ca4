// Elements of the page. What comes from the input is set as text, never as markup.

export const $ = (id) => document.getElementById(id);

// el makes an element: properties of it, or attributes where it has none of that name.
export function el(tag, properties = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name in e) e[name] = value;
    else e.setAttribute(name, value);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}

// glyphs and words say together what colours say again.
export const glyphs = { accept: '✓', drop: '✕', unknown: '?', not_applicable: '–', error: '✕', warning: '!', note: 'i' };
const words = { accept: 'accept', drop: 'drop', unknown: 'unknown', not_applicable: 'not judged' };
const colours = { error: 'drop', warning: 'unknown', note: 'quiet' };

export function sign(verdict) {
  return el('span', { className: `sign ${colours[verdict] ?? verdict}` },
    el('span', { className: 'glyph', ariaHidden: 'true' }, glyphs[verdict] ?? '–'), words[verdict] ?? verdict);
}

// save offers a text as a file.
export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;

export function bytes(n) {
  if (n < 1000) return `${n} B`;
  return n < 1e6 ? `${(n / 1e3).toFixed(0)} kB` : `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} MB`;
}
