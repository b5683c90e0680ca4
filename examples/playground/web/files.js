// Files of the user, which are only ever read: chosen, or dropped anywhere on the page.
import { $, bytes, el } from './dom.js';

// takeFiles calls take with the files that come.
export function takeFiles(take) {
  const chooser = $('chooser');
  $('open').addEventListener('click', () => chooser.click());
  chooser.addEventListener('change', () => {
    take([...chooser.files]);
    chooser.value = '';
  });
  const hint = $('drop');
  let depth = 0; // of elements that the pointer has entered
  const holdsFiles = (e) => e.dataTransfer?.types.includes('Files');
  addEventListener('dragenter', (e) => { if (holdsFiles(e)) { e.preventDefault(); depth++; hint.hidden = false; } });
  addEventListener('dragover', (e) => { if (holdsFiles(e)) e.preventDefault(); });
  addEventListener('dragleave', (e) => { if (holdsFiles(e) && --depth <= 0) { depth = 0; hint.hidden = true; } });
  addEventListener('drop', async (e) => {
    if (!holdsFiles(e)) return;
    e.preventDefault();
    depth = 0;
    hint.hidden = true;
    take(await dropped(e.dataTransfer));
  });
}

// dropped returns the files that were dropped, those inside folders included.
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const loose = [...transfer.files];
  if (!entries.some((e) => e.isDirectory)) return loose;
  return (await Promise.all(entries.map(inside))).flat();
}

async function inside(entry) {
  if (entry.isFile) return new Promise((resolve) => entry.file((f) => resolve([f]), () => resolve([])));
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return found;
    found.push(...(await Promise.all(some.filter((e) => e.isFile && !e.name.startsWith('.')).map(inside))).flat());
  }
}

// list shows files, with a button for each that takes it away.
export function list(holder, files, remove) {
  holder.replaceChildren(...files.map((f) => {
    const button = el('button', { type: 'button', ariaLabel: `Take ${f.name} away`, title: 'Take away' }, '✕');
    button.addEventListener('click', () => remove(f));
    return el('li', {}, el('span', { className: 'name', title: f.name }, f.name), el('span', { className: 'size' }, bytes(f.size)), button);
  }));
}
