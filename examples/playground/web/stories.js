// The stories: starting points, with changes to try.
import { $, el } from './dom.js';

export class Stories {
  #stories = [];
  #editor; // of the groups
  #changed;
  #text = ''; // of the current story

  constructor(editor, changed) {
    this.#editor = editor;
    this.#changed = changed;
  }

  // load shows the stories; begin is called with one that is chosen.
  async load(begin) {
    this.#stories = await (await fetched('stories.json')).json();
    $('stories').replaceChildren(...this.#stories.map((story) => {
      const button = el('button', { type: 'button', id: `story-${story.id}` }, story.title);
      button.addEventListener('click', () => begin(story));
      return el('li', {}, button);
    }));
    return this.#stories;
  }

  // files returns what a story brings along.
  async files(story) {
    this.#text = story.topology ? await (await fetched(story.topology)).text() : '';
    return Promise.all((story.files ?? []).map(async (path) => new File([await (await fetched(path)).blob()], path.split('/').pop())));
  }

  get text() { return this.#text; }

  show(story) {
    for (const s of this.#stories) $(`story-${s.id}`).setAttribute('aria-current', String(s.id === story?.id));
    $('story').hidden = !story;
    if (!story) return;
    $('about').textContent = story.about;
    $('tries').hidden = !story.tries.length;
    $('tries').replaceChildren(...story.tries.map((t) => {
      const button = el('button', { type: 'button', ariaPressed: 'false' }, t.say);
      button.addEventListener('click', () => this.#try(t));
      return el('li', {}, button);
    }));
    this.#tries = story.tries;
  }

  #tries = [];

  #try({ from, to }) {
    const text = this.#editor.value;
    if (text.includes(to)) this.#editor.value = text.replace(to, from);
    else this.#editor.value = (text.includes(from) ? text : this.#text).replace(from, to);
    this.#changed();
  }

  // press shows which changes the text has.
  press() {
    [...$('tries').querySelectorAll('button')].forEach((button, i) => {
      button.ariaPressed = String(this.#editor.value.includes(this.#tries[i].to));
    });
  }

  // changedLines are the numbers of lines that the story does not have.
  changedLines() {
    const known = new Set(this.#text.split('\n'));
    if (!this.#text) return [];
    return this.#editor.value.split('\n').flatMap((line, i) => (known.has(line) ? [] : [i + 1]));
  }
}

async function fetched(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response;
}
