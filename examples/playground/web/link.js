// Links that hold groups and packets in their fragment, which no browser sends anywhere.
import { $ } from './dom.js';

const prefix = '#at=';

// linked returns what the address of the page holds, null for nothing.
export function linked() {
  return location.hash.startsWith(prefix) ? location.hash.slice(prefix.length) : null;
}

export function forget() {
  if (linked() !== null) history.replaceState(null, '', location.pathname + location.search);
}

// share shows a link, and copies it where the browser lets it.
export async function share(fragment) {
  history.replaceState(null, '', prefix + fragment);
  $('link-box').hidden = false;
  $('link').value = location.href;
  try {
    await navigator.clipboard.writeText(location.href);
    $('shared').textContent = 'Copied. Captures are not part of it.';
  } catch {
    $('link').select();
    $('shared').textContent = 'Copy it from here. Captures are not part of it.';
  }
}
