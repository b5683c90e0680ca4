// What becomes of the packets that were typed, and why.
import { count, el, glyphs, sign } from './dom.js';

const participles = { accept: 'accepted', drop: 'dropped', unknown: 'unknown', not_applicable: 'not judged' };

// counts is "3 packets: 2 accepted, 1 dropped", and how many lines are none.
export function counts(byVerdict, errors = 0) {
  const said = Object.keys(participles).filter((v) => byVerdict[v]).map((v) => `${byVerdict[v].toLocaleString('en-US')} ${participles[v]}`);
  const all = Object.values(byVerdict).reduce((a, b) => a + b, 0);
  const wrong = errors ? `, and ${count(errors, 'line')} with an error` : '';
  return `${count(all, 'packet')}${said.length ? ': ' : ''}${said.join(', ')}${wrong}`;
}

// byVerdict counts answers.
export function byVerdict(answers) {
  const n = {};
  for (const a of answers) if (a.verdict) n[a.verdict] = (n[a.verdict] ?? 0) + 1;
  return n;
}

// answer shows one: its verdict, and below it each interface on the packet's way. before is
// the verdict that it had at first, level that of its heading.
export function answer(a, { before, changed, level = 3 } = {}) {
  if (a.error) return el('p', { className: 'problem' }, a.line ? el('strong', {}, `Line ${a.line}: `) : null, a.error);
  const was = before && before !== a.verdict ? el('span', { className: 'was' }, `${glyphs[before]} was ${before}`) : null;
  return el('article', { className: `answer ${a.verdict}${changed ? ' changed' : ''}` },
    el(`h${level}`, {}, sign(a.verdict), el('span', { className: 'code' }, a.packet), el('span', { className: 'reason' }, a.reason), was),
    a.notes ? lines(a.notes) : null,
    ...(a.hops ?? []).map((hop) => el('div', { className: `hop${hop.beyond ? ' beyond' : ''}` },
      el(`h${level + 1}`, {}, hop.title), hop.lines.length ? lines(hop.lines) : null)));
}

function lines(all) {
  return el('dl', { className: 'lines' }, ...all.flatMap((l) => [el('dt', {}, l.Label), el('dd', {}, l.Text)]));
}

// Answers are those of the packets that stand in an editor. It keeps the verdicts of the
// beginning, to say what changed.
export class Answers {
  #panel;
  #first = new Map(); // by packet
  #latest = new Map();

  constructor(panel) {
    this.#panel = panel;
  }

  begin() {
    this.#first = new Map();
    this.#latest = new Map();
  }

  // show returns what changed since it was called last, in words.
  show(answers) {
    const changes = [];
    const latest = new Map();
    const shown = answers.map((a) => {
      const before = this.#first.get(a.packet);
      const changed = this.#latest.has(a.packet) && this.#latest.get(a.packet) !== a.verdict;
      if (changed) changes.push(`${a.packet} was ${participles[this.#latest.get(a.packet)]} and is ${participles[a.verdict]} now.`);
      if (a.verdict) latest.set(a.packet, a.verdict);
      if (a.verdict && before === undefined) this.#first.set(a.packet, a.verdict);
      return answer(a, { before, changed });
    });
    this.#latest = latest;
    this.#panel.replaceChildren(...(shown.length ? shown : [el('p', { className: 'nothing' }, 'Write a packet, such as tcp web > db:5432, and see here what becomes of it.')]));
    return changes.join(' ');
  }

  nothing(text) {
    this.#panel.replaceChildren(el('p', { className: 'nothing' }, text));
  }
}

// marks are those of an editor, by line.
export function marks(answers) {
  return new Map(answers.filter((a) => a.line).map((a) => [a.line, { kind: a.error ? 'error' : a.verdict, glyph: glyphs[a.error ? 'error' : a.verdict] }]));
}
