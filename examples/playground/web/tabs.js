// Tabs as the ARIA guide has them: arrow keys go from one to the next.
import { $, el } from './dom.js';

export class Tabs {
  #tabs = new Map();
  #shown;

  constructor(list, tabs, shown) {
    this.#shown = shown;
    for (const [name, title] of Object.entries(tabs)) {
      const panel = $(`panel-${name}`);
      const button = el('button', { type: 'button', id: `tab-${name}`, 'aria-controls': panel.id, role: 'tab' }, title);
      panel.setAttribute('aria-labelledby', button.id);
      button.addEventListener('click', () => this.select(name));
      button.addEventListener('keydown', (e) => this.#key(e, name));
      list.append(button);
      this.#tabs.set(name, { button, panel });
    }
    this.select(this.#tabs.keys().next().value);
  }

  #key(e, name) {
    const names = [...this.#tabs.keys()].filter((n) => !this.#tabs.get(n).button.hidden);
    const at = names.indexOf(name);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + names.length, Home: 0, End: names.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    this.select(names[to % names.length]);
    this.#tabs.get(this.selected).button.focus();
  }

  select(name) {
    this.selected = name;
    for (const [n, { button, panel }] of this.#tabs) {
      button.setAttribute('aria-selected', String(n === name));
      button.tabIndex = n === name ? 0 : -1;
      panel.hidden = n !== name;
    }
    this.#shown(name);
  }

  offer(name, there) {
    this.#tabs.get(name).button.hidden = !there;
    if (!there && this.selected === name) this.select(this.#tabs.keys().next().value);
  }

  title(name, text) {
    this.#tabs.get(name).button.textContent = text;
  }
}
