// Captures: how far their replay is, the packets of it, and the report.
import { bytes, count, el, save, sign } from './dom.js';
import { answer, counts } from './answers.js';

export class Capture {
  #panel;
  #report;
  #actions;
  #bar = null;
  #began = 0;
  #html = '';
  #drawn = ''; // the report that stands in the frame

  // actions are cancel, again and why(number, progress).
  constructor(panel, report, actions) {
    this.#panel = panel;
    this.#report = report;
    this.#actions = actions;
  }

  begin(files) {
    this.#began = performance.now();
    const total = files.reduce((n, f) => n + f.size, 0);
    const bar = el('progress', { max: 1, value: 0, ariaLabel: 'Replay of the captures' });
    const cancel = el('button', { type: 'button', id: 'cancel' }, 'Cancel');
    const text = el('p', {}, `${bytes(total)} to judge`);
    cancel.addEventListener('click', () => this.#actions.cancel());
    this.#bar = { bar, text };
    this.#html = '';
    this.#panel.replaceChildren(el('div', { className: 'progress' }, bar, cancel, text));
    this.#report.replaceChildren(el('p', { className: 'nothing' }, 'The report is here when the captures have been judged.'));
    this.#drawn = '';
  }

  progress({ read, total, packets }) {
    const seconds = (performance.now() - this.#began) / 1000;
    const left = read > 0 ? Math.ceil(seconds * (total - read) / read) : 0;
    this.#bar.bar.value = total > 0 ? read / total : 0;
    this.#bar.text.textContent = `${bytes(read)} of ${bytes(total)}, ${count(packets, 'packet')}, ${count(left, 'second')} left`;
  }

  // stopped says why there is no result.
  stopped(text) {
    const again = el('button', { type: 'button' }, 'Judge again');
    again.addEventListener('click', () => this.#actions.again());
    this.#panel.replaceChildren(el('div', { className: 'progress' }, el('p', {}, text), again));
    this.#report.replaceChildren(el('p', { className: 'nothing' }, text));
  }

  // show shows a result, and how much memory the library has taken.
  show(r, memory) {
    const seconds = (performance.now() - this.#began) / 1000;
    const parts = [];
    if (r.error) parts.push(el('p', { className: 'problem' }, r.error));
    parts.push(el('p', { className: 'numbers' }, `${counts(r.count)}; ${bytes(r.bytes)} over ${duration(r.seconds)}, judged in ${seconds.toFixed(1)} s with ${bytes(memory)} of memory`));
    if (r.packets) parts.push(...this.#table(r));
    this.#panel.replaceChildren(...parts);
    this.#html = r.report;
  }

  #table(r) {
    const body = el('tbody');
    const caption = el('caption');
    const draw = (refused) => {
      const rows = refused ? r.refused : r.rows;
      const all = refused ? (r.count.drop ?? 0) + (r.count.unknown ?? 0) : r.packets;
      caption.textContent = rows.length < all ? `The first ${rows.length} of ${count(all, 'packet')}; the report is about all of them` : count(all, 'packet');
      body.replaceChildren(...rows.map((row) => this.#row(row)));
    };
    const select = el('select', { id: 'which' }, el('option', { value: '' }, 'all'), el('option', { value: 'refused' }, 'dropped or unknown'));
    select.addEventListener('change', () => draw(select.value === 'refused'));
    draw(false);
    const head = el('thead', {}, el('tr', {},
      el('th', { scope: 'col' }, 'No.'), el('th', { scope: 'col', className: 'seconds' }, 'Seconds'),
      el('th', { scope: 'col' }, 'Verdict'), el('th', { scope: 'col' }, 'Packet, and why')));
    return [
      el('div', { className: 'tools' }, el('label', { htmlFor: 'which' }, 'Packets'), select),
      el('div', { className: 'scroll', tabIndex: 0, role: 'group', ariaLabel: 'Packets of the captures' }, el('table', { className: 'packets' }, caption, head, body)),
    ];
  }

  #row(row) {
    const why = el('button', { type: 'button', className: 'plain', ariaLabel: `Explain packet ${row.number}` }, 'explain');
    const cell = el('td', {}, el('span', { className: 'code' }, row.packet), ' ', why,
      ...row.why.map((w) => el('div', { className: 'why' }, w)));
    why.addEventListener('click', async () => {
      why.disabled = true;
      why.textContent = 'reading…';
      const a = await this.#actions.why(row.number, (p) => { why.textContent = `reading, ${Math.floor(100 * p.read / p.total)} %`; });
      if (a) cell.append(answer(a));
      why.remove();
    });
    return el('tr', {}, el('td', { className: 'number' }, row.number.toLocaleString('en-US')),
      el('td', { className: 'number seconds' }, row.seconds.toFixed(6)), el('td', {}, sign(row.verdict)), cell);
  }

  // showReport puts the report into its frame, which may do nothing but run the scripts
  // whose hashes the policy of this page has.
  showReport() {
    if (!this.#html || this.#drawn === this.#html) return;
    this.#drawn = this.#html;
    const html = this.#html;
    const saver = el('button', { type: 'button' }, 'Save report');
    saver.addEventListener('click', () => save('report.html', 'text/html', html));
    const frame = el('iframe', { className: 'report', title: 'Report of the captures', srcdoc: html });
    frame.setAttribute('sandbox', 'allow-scripts allow-downloads');
    this.#report.replaceChildren(el('div', { className: 'tools' }, saver), frame);
  }
}

function duration(seconds) {
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 3 : 0)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
