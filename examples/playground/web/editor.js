// A text area with the numbers of its lines, and marks beside them.
import { el } from './dom.js';

const mostNumbered = 5000; // lines

export class Editor {
  #text;
  #gutter;
  #holder;
  #rows;
  #marks = new Map();

  constructor(holder, { id, rows, describedBy, change }) {
    this.#holder = holder;
    this.#rows = rows;
    this.#gutter = el('div', { className: 'gutter', ariaHidden: 'true' });
    this.#text = el('textarea', {
      id, spellcheck: false, wrap: 'off', autocapitalize: 'off', autocomplete: 'off', 'aria-describedby': describedBy,
    });
    this.#text.addEventListener('input', () => { this.#draw(); change(); });
    this.#text.addEventListener('scroll', () => { this.#gutter.scrollTop = this.#text.scrollTop; });
    holder.append(this.#gutter, this.#text);
    this.#draw();
  }

  get value() { return this.#text.value; }

  set value(s) {
    this.#text.value = s;
    this.#marks = new Map();
    this.#draw();
  }

  // hint says what may be written, in how many rows at least.
  hint(text, rows) {
    this.#text.placeholder = text;
    this.#rows = [rows, this.#rows[1]];
    this.#draw();
  }

  // marks shows what is said of lines: a class and a glyph for each.
  marks(marks, wrong) {
    this.#marks = marks;
    this.#holder.classList.toggle('wrong', wrong);
    this.#text.setAttribute('aria-invalid', String(wrong));
    this.#draw();
  }

  // go selects a line, from 1.
  go(line) {
    const lines = this.#text.value.split('\n');
    const from = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
    this.#text.focus();
    this.#text.setSelectionRange(from, from + (lines[line - 1] ?? '').length);
    const height = this.#text.scrollHeight / lines.length;
    this.#text.scrollTop = Math.max(0, (line - 4) * height);
  }

  #draw() {
    const lines = this.#text.value.split('\n').length;
    this.#text.rows = Math.min(Math.max(lines, this.#rows[0]), this.#rows[1]);
    const numbers = [];
    for (let i = 1; i <= lines && lines <= mostNumbered; i++) {
      const mark = this.#marks.get(i);
      numbers.push(el('div', { className: mark?.kind ?? '' }, mark ? el('span', { className: 'mark' }, mark.glyph) : null, String(i)));
    }
    this.#gutter.replaceChildren(...numbers);
    this.#gutter.scrollTop = this.#text.scrollTop;
  }
}
