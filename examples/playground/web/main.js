// The page: what is typed or dropped goes to the library, and what it says is shown.
import { $, el, glyphs } from './dom.js';
import { Answers, byVerdict, counts, marks } from './answers.js';
import { Capture } from './capture.js';
import { Editor } from './editor.js';
import { Engine, Stopped } from './engine.js';
import { list, takeFiles } from './files.js';
import { forget, linked, share } from './link.js';
import { GroupMap } from './map.js';
import { showFindings } from './findings.js';
import { Stories } from './stories.js';
import { Tabs } from './tabs.js';

const textName = 'topology.txt'; // of what is typed, in messages
const pause = 150; // milliseconds without a key before packets are judged again

const engine = new Engine();
const groups = new Editor($('topology-editor'), {
  id: 'topology', rows: [6, 26], describedBy: 'problems', change: () => changed({ groups: true }),
});
const packets = new Editor($('packet-editor'), {
  id: 'packet-text', rows: [3, 14], describedBy: 'verdict', change: () => changed({}),
});
packets.hint('tcp 198.51.100.7:50000 > web:443', 3);
const answers = new Answers($('panel-answers'));
const map = new GroupMap($('panel-map'), (of) => guarded(async () => map.show(await engine.call('map', of))));
const capture = new Capture($('panel-capture'), $('panel-report'), {
  cancel: () => { held = true; engine.stop(); },
  again: () => { held = false; changed({ groups: true }); },
  why: (number, progress) => guarded(() => engine.call('why', number, captures, progress)),
});
const tabs = new Tabs($('tabs'), { answers: 'Packets', capture: 'Capture', report: 'Report', map: 'Map', findings: 'Findings' },
  (name) => { if (name === 'report') capture.showReport(); });
const stories = new Stories(groups, () => changed({ groups: true }));

let files = []; // of the topology
let captures = [];
let held = false; // the user does not want to wait for the captures
let stale = true; // the library does not have the groups that are shown
let replayed = false; // the captures were judged by these groups
let timer = 0;
let judging = false;
let again = false;

// changed has everything judged again, soon.
function changed({ groups: topology = false, now = false }) {
  if (topology) {
    stale = true;
    replayed = false;
    stories.press();
  }
  if (judging && topology) engine.stop(); // what it is at is of no use any more
  clearTimeout(timer);
  timer = setTimeout(judge, now ? 0 : pause);
}

async function judge() {
  if (judging) {
    again = true;
    return;
  }
  judging = true;
  do {
    again = false;
    try {
      await judgeOnce();
    } catch (e) {
      stale = true;
      if (!(e instanceof Stopped)) $('verdict').textContent = e.message;
      else if (held && captures.length) {
        capture.stopped('Cancelled: the captures were not judged to their end.');
        again = true;
      }
    }
  } while (again);
  judging = false;
}

async function judgeOnce() {
  if (stale) {
    const loaded = await engine.call('load', { topology: groups.value, settings: settings() }, files);
    stale = false;
    showLoaded(loaded);
    if (!loaded.ok) {
      packets.marks(new Map(), false);
      return;
    }
  }
  const said = await engine.call('ask', packets.value);
  const changes = answers.show(said);
  packets.marks(marks(said), said.some((a) => a.error));
  verdict(counts(byVerdict(said), said.filter((a) => a.error).length), changes);
  if (captures.length && !replayed && !held) await replay();
}

async function replay() {
  capture.begin(captures);
  try {
    const result = await engine.call('replay', null, captures, (p) => capture.progress(p));
    replayed = true;
    capture.show(result, engine.memory);
    if (result.map && !map.of) map.show(result.map);
    if (tabs.selected === 'report') capture.showReport();
    verdict(`In the capture, ${counts(result.count)}`, '');
  } catch (e) {
    if (!(e instanceof Stopped)) {
      held = true;
      capture.stopped(e.message);
    }
    throw e;
  }
}

function settings() {
  return { midstream: $('midstream').value, related_icmp: $('related').checked };
}

// verdict says the result, and to those who hear it what changed.
function verdict(text, changes) {
  const line = $('verdict');
  const before = line.dataset.said;
  line.dataset.said = text + changes;
  if (before !== line.dataset.said) line.replaceChildren(text, el('span', { className: 'unseen' }, changes ? `. ${changes}` : ''));
}

function showLoaded(loaded) {
  const errors = loaded.problems.filter((p) => p.severity === 'error').length;
  const lines = new Map(stories.changedLines().map((n) => [n, { kind: 'edited', glyph: '•' }]));
  for (const p of [...loaded.problems].reverse()) {
    if (p.file === textName && p.line) lines.set(p.line, { kind: p.severity, glyph: glyphs[p.severity] });
  }
  groups.marks(lines, errors > 0);
  $('problems').replaceChildren(...loaded.problems.map((p) => el('li', { className: `problem ${p.severity}` },
    el('strong', {}, p.severity === 'error' ? 'Error: ' : 'Warning: '), p.place ? place(p) : null, p.place ? ' ' : null, p.text)));
  const findings = loaded.findings?.findings;
  showFindings($('panel-findings'), findings, (f) => place({ ...f, place: [`${f.file}:${f.line}`, f.path].filter(Boolean).join(': ') }));
  tabs.title('findings', findings?.length ? `Findings (${findings.length})` : 'Findings');
  map.show(loaded.map);
  $('as-text').hidden = !loaded.ok || !files.length;
  if (loaded.ok) return;
  answers.nothing(errors ? 'Packets are judged when the errors in the groups are mended.' : 'There is nothing to judge by yet.');
  verdict(!errors ? 'No groups yet' : errors === 1 ? '1 error in the groups' : `${errors} errors in the groups`, '');
  if (captures.length) capture.stopped(`The captures are judged when ${errors ? 'the errors in the groups are mended' : 'there are groups'}.`);
}

// place is where something stands: a button that goes there, where that is on this page.
function place(p) {
  if (p.file !== textName || !p.line) return el('code', {}, p.place);
  const button = el('button', { type: 'button' }, `line ${p.line}`);
  button.addEventListener('click', () => groups.go(p.line));
  return button;
}

// take takes files: captures, and everything else as part of the topology.
async function take(some) {
  await guarded(async () => {
    const are = await engine.call('captures', null, some);
    const mine = some.filter((_, i) => !are[i]);
    if (mine.length && stories.text && groups.value === stories.text) { // they are another topology, and nothing that was typed is lost
      stories.show(null);
      await stories.files({});
      groups.value = '';
      packets.value = '';
      answers.begin();
      map.begin();
    }
    files.push(...mine);
    captures.push(...some.filter((_, i) => are[i]));
    if (are.includes(true)) held = false;
    forget();
    showFiles();
    if (are.includes(true)) tabs.select('capture');
    else if (mine.length && !packets.value) tabs.select('map');
    changed({ groups: true, now: true });
  });
}

function showFiles() {
  const without = (from) => (f) => {
    from.splice(from.indexOf(f), 1);
    showFiles();
    changed({ groups: true, now: true });
  };
  list($('topology-files'), files, without(files));
  list($('capture-files'), captures, without(captures));
  groups.hint(files.length ? '' : 'group sg-web\nrule sg-web ingress tcp 443 0.0.0.0/0\neni web 10.0.1.10 sg-web', files.length ? 2 : 6);
  $('topology-label').textContent = files.length ? 'More of it, one statement a line' : 'Groups, their rules and the interfaces that carry them, one statement a line';
  tabs.offer('capture', captures.length > 0);
  tabs.offer('report', captures.length > 0);
}

// put begins anew with a topology, packets and files.
async function put(story, topology, text, some, set = {}) {
  files = [];
  captures = [];
  held = false;
  groups.value = topology;
  packets.value = text;
  $('midstream').value = set.midstream || 'drop';
  $('related').checked = Boolean(set.related_icmp);
  answers.begin();
  map.begin();
  stories.show(story);
  tabs.select('answers');
  showFiles();
  if (some.length) await take(some);
  else changed({ groups: true, now: true });
}

async function begin(story) {
  await guarded(async () => {
    const some = await stories.files(story);
    forget();
    $('shared').textContent = '';
    $('link-box').hidden = true;
    await put(story, stories.text, story.packets.join('\n'), some);
  });
}

// follow shows what the address of the page holds, and reports whether it could.
async function follow() {
  const at = linked();
  if (at === null) return false;
  try {
    const state = await engine.call('unlink', at);
    await stories.files({});
    await put(null, state.topology, state.packets, [], state.settings);
    return true;
  } catch (e) {
    if (!(e instanceof Stopped)) refuse(e.message);
    return false;
  }
}

// refuse says what cannot be done, above everything.
function refuse(text) {
  $('refused')?.remove();
  document.querySelector('main').prepend(el('p', { id: 'refused', className: 'problem', role: 'alert' }, text));
}

// guarded does something with the library and says what is wrong.
async function guarded(something) {
  try {
    $('refused')?.remove();
    return await something();
  } catch (e) {
    if (!(e instanceof Stopped)) refuse(e.message);
    return null;
  }
}

$('share').addEventListener('click', () => guarded(async () => {
  const topology = files.length ? await engine.call('text') : groups.value;
  await share(await engine.call('link', { topology, packets: packets.value, settings: settings() }));
}));
$('as-text').addEventListener('click', () => guarded(async () => {
  groups.value = await engine.call('text');
  files = [];
  showFiles();
  changed({ groups: true, now: true });
}));
for (const id of ['midstream', 'related']) $(id).addEventListener('change', () => changed({ groups: true, now: true }));
addEventListener('hashchange', follow);
addEventListener('beforeunload', () => engine.stop());
takeFiles(take);
showFiles();
const known = await stories.load(begin).catch((e) => { refuse(e.message); return []; });
if (!await follow() && known.length) {
  const refused = $('refused');
  await begin(known[0]);
  if (refused) refuse(refused.textContent);
}
