// The worker: it runs the library and answers one call after the other. Files stay with
// the browser; of each, a slice at a time is in memory.
import './wasm_exec.js';

const reader = new FileReaderSync();
let memory = null;
let ready = null;

self.onmessage = async ({ data }) => {
  if (data.start) {
    ready = start(data.module);
    return;
  }
  try {
    await ready;
    const files = data.files.map((file) => ({ name: file.name, size: file.size, read: (offset, length) => slice(file, offset, length) }));
    const progress = (read, total, packets) => postMessage({ id: data.id, progress: { read, total, packets } });
    const result = self.sgsim[data.name](data.json, files, progress);
    if (typeof result !== 'string') throw new Error('it ended'); // which wasm_exec.js has told the console
    postMessage({ id: data.id, result: JSON.parse(result), memory: memory.buffer.byteLength });
  } catch (e) {
    postMessage({ id: data.id, crashed: String(e.message ?? e) });
  }
};

// start starts the program: of a module that an earlier worker had, or of the file.
async function start(module) {
  const compiled = module ?? await WebAssembly.compile(await program());
  const go = new Go();
  const instance = await WebAssembly.instantiate(compiled, go.importObject);
  memory = instance.exports.mem;
  go.run(instance);
  if (!module) postMessage({ module: compiled });
}

// program reads the file, which some servers unpack on the way.
async function program() {
  const response = await fetch('sgsim.wasm.gz');
  if (!response.ok) throw new Error(`sgsim.wasm.gz: ${response.status} ${response.statusText}`);
  const data = await response.arrayBuffer();
  const [a, b] = new Uint8Array(data, 0, 2);
  if (a !== 0x1f || b !== 0x8b) return data;
  return new Response(new Blob([data]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

function slice(file, offset, length) {
  try {
    return new Uint8Array(reader.readAsArrayBuffer(file.slice(offset, offset + length)));
  } catch {
    return null;
  }
}
