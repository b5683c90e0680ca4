// The drawing of the groups, and the same in words.
import { el, save } from './dom.js';

const ends = { '': 'no rule: dropped', receiver: 'a rule of the receiver', sender: 'a rule of the sender', both: 'rules of both ends' };

export class GroupMap {
  #panel;
  #of = '';
  #choose;
  #url = null;
  #fit = true;

  // choose is called with the interface of which there is to be a map.
  constructor(panel, choose) {
    this.#panel = panel;
    this.#choose = choose;
  }

  get of() { return this.#of; }

  begin() { this.#of = ''; }

  show(map) {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
    if (!map) {
      this.#panel.replaceChildren(el('p', { className: 'nothing' }, 'The map is here when the groups can be read.'));
      return;
    }
    this.#url = URL.createObjectURL(new Blob([map.svg], { type: 'image/svg+xml' }));
    const image = el('img', { src: this.#url, alt: `Map of the groups: ${map.edges.length} kinds of traffic between them, in words below` });
    const figure = el('figure', { className: `drawing${this.#fit ? ' fit' : ''}`, tabIndex: 0, role: 'group', ariaLabel: 'Map of the groups' }, image);
    image.addEventListener('load', () => figure.style.setProperty('--natural', `${image.naturalWidth}px`));
    const size = el('button', { type: 'button', ariaPressed: String(!this.#fit) }, 'Full size');
    size.addEventListener('click', () => {
      this.#fit = !this.#fit;
      figure.classList.toggle('fit', this.#fit);
      size.ariaPressed = String(!this.#fit);
    });
    const saver = el('button', { type: 'button' }, 'Save as SVG');
    saver.addEventListener('click', () => save('groups.svg', 'image/svg+xml', map.svg));
    this.#panel.replaceChildren(el('div', { className: 'tools' }, ...this.#chooser(map), size, saver), figure, this.#words(map));
  }

  #chooser(map) {
    if (map.enis.length < 2) return [];
    const select = el('select', { id: 'map-of' }, el('option', { value: '' }, 'all groups'),
      ...map.enis.map((e) => el('option', { value: e.id }, e.name && e.name !== e.id ? `groups of ${e.name} (${e.id})` : `groups of ${e.id}`)));
    select.value = this.#of;
    select.addEventListener('change', () => {
      this.#of = select.value;
      this.#choose(this.#of);
    });
    return [el('label', { htmlFor: 'map-of' }, 'Map of'), select];
  }

  #words(map) {
    const counted = map.edges.some((e) => e.hits || e.unused || e.dropped);
    const heads = ['From', 'To', 'Traffic', 'Allowed by', ...(counted ? ['Packets'] : [])];
    return el('details', { className: 'words' }, el('summary', {}, 'The map in words'),
      el('div', { className: 'scroll', tabIndex: 0, role: 'group', ariaLabel: 'The map in words' },
        el('table', {}, el('thead', {}, el('tr', {}, ...heads.map((h) => el('th', { scope: 'col' }, h)))),
          el('tbody', {}, ...map.edges.map((e) => el('tr', {}, ...[e.from, e.to, e.traffic, ends[e.ends]].map((s) => el('td', {}, s)),
            counted ? el('td', { className: 'number' }, e.hits.toLocaleString('en-US')) : null))))));
  }
}
