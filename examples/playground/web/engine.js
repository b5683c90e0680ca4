// The engine calls the library, which runs in a worker. A call cannot be interrupted
// there, so stopping it ends the worker, and another one takes its place: it knows
// nothing of what was loaded.

export class Stopped extends Error {}

export class Engine {
  #worker = null;
  #module = null; // compiled, so that another worker starts at once
  #waiting = new Map();
  #last = 0;
  memory = 0; // bytes that the library has taken

  constructor() {
    this.#start();
  }

  #start() {
    this.#worker = new Worker('worker.js', { type: 'module' });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (e) => {
      e.preventDefault();
      this.stop(new Error(`the library did not start: ${e.message ?? 'its files are not beside this page'}`));
    };
    this.#worker.postMessage({ start: true, module: this.#module });
  }

  // call returns what a function of the library returns. files are those it may read, and
  // progress is told how far it is.
  call(name, argument = null, files = [], progress = null) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, progress });
      this.#worker.postMessage({ id, name, json: JSON.stringify(argument), files });
    });
  }

  #receive({ id, module, progress, result, memory, crashed }) {
    if (module) {
      this.#module = module;
      return;
    }
    const call = this.#waiting.get(id);
    if (!call) return;
    if (progress) {
      call.progress?.(progress);
      return;
    }
    this.#waiting.delete(id);
    if (crashed) {
      call.reject(new Error(`The library ended without an answer (${crashed}): too much for the memory of a page, maybe. The command takes files of any size.`));
      this.stop();
      return;
    }
    this.memory = memory;
    if (result.error) call.reject(new Error(result.error));
    else call.resolve(result.value ?? null);
  }

  // stop ends what is running and what waits for it.
  stop(reason = new Stopped('stopped')) {
    this.#worker.terminate();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#start();
    for (const call of waiting) call.reject(reason);
  }
}
