// What is wrong or useless in the groups, as sgsim check finds it.
import { el, sign } from './dom.js';

export function showFindings(panel, findings, place) {
  if (!findings) {
    panel.replaceChildren(el('p', { className: 'nothing' }, 'Findings are here when the groups can be read.'));
    return;
  }
  if (!findings.length) {
    panel.replaceChildren(el('p', { className: 'nothing' }, 'Nothing is wrong or useless in these groups.'));
    return;
  }
  panel.replaceChildren(...findings.map((f) => el('article', { className: 'finding' },
    el('h3', {}, sign(f.severity), el('span', { className: 'what' }, [f.kind, subject(f)].filter(Boolean).join(': '))),
    el('p', {}, f.code ? `${f.text} (${f.code})` : f.text),
    f.advice ? el('p', {}, f.advice) : null,
    f.file ? el('p', { className: 'about' }, place(f)) : null,
    f.other ? el('p', { className: 'about' }, 'The other: ', subject(f.other), ' ', f.other.file ? place(f.other) : '') : null)));
}

// subject names what a finding is about.
function subject(s) {
  const named = (id, name) => (name && name !== id ? `${name} (${id})` : id);
  if (s.acl) return [s.acl, s.direction, s.entry].filter(Boolean).join(' ');
  if (s.group) return [named(s.group, s.group_name), s.rule?.startsWith(s.direction) ? s.rule : [s.direction, s.rule].filter(Boolean).join(' '), s.rule_text ? `, ${s.rule_text}` : ''].join(' ').replace(' ,', ',').trim();
  return named(s.eni ?? s.prefix_list ?? s.subnet ?? '', s.eni_name);
}
