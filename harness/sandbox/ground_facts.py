"""What can be said of an element: asked of prototypes, as in `ground_script`, and never of page objects."""

from typing import Final

from harness.sandbox.ground_script import function

_LIBRARY: Final = r"""
const formGetters = {
  button: getter(HTMLButtonElement, 'form'), input: getter(HTMLInputElement, 'form'),
  select: getter(HTMLSelectElement, 'form'), textarea: getter(HTMLTextAreaElement, 'form'),
  output: getter(HTMLOutputElement, 'form'), fieldset: getter(HTMLFieldSetElement, 'form'),
  object: getter(HTMLObjectElement, 'form'), option: getter(HTMLOptionElement, 'form'),
};
const overrides = {
  button: [getter(HTMLButtonElement, 'formAction'), getter(HTMLButtonElement, 'formMethod')],
  input: [getter(HTMLInputElement, 'formAction'), getter(HTMLInputElement, 'formMethod')],
};
const formAction = getter(HTMLFormElement, 'action'), formMethod = getter(HTMLFormElement, 'method');
const typeGetters = {button: getter(HTMLButtonElement, 'type'), input: getter(HTMLInputElement, 'type')};
const labelled = getter(HTMLLabelElement, 'control');
const inputValue = getter(HTMLInputElement, 'value');
const chosen = getter(HTMLSelectElement, 'selectedOptions');
const animated = getter(SVGAElement, 'href'), animatedValue = getter(SVGAnimatedString, 'animVal');
const linkGetters = {a: getter(HTMLAnchorElement, 'href'), area: getter(HTMLAreaElement, 'href')};

const words = (text) => new Set(text.split(' '));
const widgets = words('button link checkbox radio switch tab option menuitem menuitemcheckbox menuitemradio '
  + 'treeitem textbox searchbox combobox listbox slider spinbutton');
const buttons = words('submit button reset');
const typed = words('text search url tel email password number date month week time datetime-local');
const widgetRole = (element) => (attribute(element, 'role') ?? '').toLowerCase().split(/\s+/)
  .find((role) => widgets.has(role));

const linkOf = (element) => {
  const name = html(element);
  if (name === 'a' || name === 'area') return has(element, 'href') ? linkGetters[name](element) : null;
  if (localName(element) !== 'a' || namespaceURI(element) !== 'http://www.w3.org/2000/svg') return null;
  const href = animatedValue(animated(element));
  if (!href && !has(element, 'href') && !has(element, 'xlink:href')) return null;
  try { return new URL(href, baseURI(element)).href; } catch { return href; }
};
const editing = (element) => {
  try { return inEditing(element) || editContext(element) !== null; } catch { return false; }
};
const meaningful = (element) => {
  switch (html(element)) {
    case 'button': case 'input': case 'select': case 'textarea': case 'option': case 'summary': return true;
    case 'label': return labelled(element) !== null;
  }
  if (linkOf(element) !== null) return true;
  if (widgetRole(element)) return true;
  const over = above(element);
  return editing(element) && !(over && editing(over));
};
const controlOf = (element) => html(element) === 'label' ? labelled(element) ?? element : element;
const sends = (control) => {
  const name = html(control);
  return name === 'button' ? typeGetters.button(control) === 'submit'
    : name === 'input' && ['submit', 'image'].includes(typeGetters.input(control));
};
const formOf = (control, path) => {
  const name = html(control);
  if (Object.hasOwn(formGetters, name)) return formGetters[name](control);
  if (path.some((other) => linkOf(other) !== null)) return null;
  return path.find((other) => html(other) === 'form') ?? null;
};
const defaultButton = (form) => {
  const root = rootOf(form);
  const query = nodeType(root) === 9 ? queryAll : nodeType(root) === 11 ? queryWithin : () => [];
  const found = query(root, 'button, input');
  for (let i = 0; i < found.length && i < 5000; i++) {
    if (sends(found[i]) && formGetters[html(found[i])](found[i]) === form) return found[i];
  }
  return null;
};
const textOf = (element) => {
  let out = '', budget = 600;
  const walk = (node) => {
    if (budget-- <= 0 || out.length > 400) return;
    if (nodeType(node) === 3) { out += textContent(node); return; }
    if (nodeType(node) !== 1) return;
    const name = html(node), style = getComputedStyle(node);
    if (['script', 'style', 'noscript', 'template', 'textarea'].includes(name) || editing(node)) return;
    if (style.display === 'none') return;
    if (style.display !== 'contents' && name !== 'option'
        && !visible(node, {visibilityProperty: false, opacityProperty: true})) return;
    const gap = style.display.startsWith('inline') || style.display === 'contents' ? '' : ' ';
    out += gap;
    if (name === 'input' && buttons.has(typeGetters.input(node))) out += inputValue(node);
    const shown = style.visibility === 'visible';
    const each = (child) => { if (nodeType(child) !== 3 || shown) walk(child); };
    const into = name === 'slot' ? assigned(node, {flatten: true}) : [];
    if (name === 'select') { const picked = chosen(node); if (picked.length) walk(picked[0]); }
    else if (into.length) for (let i = 0; i < into.length && budget > 0; i++) each(into[i]);
    else for (let at = firstChild(shadowOf(node) ?? node); at && budget > 0; at = nextSibling(at)) each(at);
    out += gap;
  };
  walk(element);
  return out.replace(/\s+/g, ' ').trim().slice(0, 200);
};
const nativeRole = (element) => {
  const name = html(element);
  const role = widgetRole(element);
  if (role) return role;
  if (linkOf(element) !== null) return 'link';
  if (name === 'select') return matches(element, '[multiple], [size]') ? 'listbox' : 'combobox';
  if (name !== 'input') return {button: 'button', textarea: 'textbox', option: 'option'}[name] ?? '';
  const type = typeGetters.input(element);
  if (type === 'image' || buttons.has(type)) return 'button';
  return {checkbox: 'checkbox', radio: 'radio', range: 'slider', number: 'spinbutton'}[type]
    ?? (typed.has(type) ? 'textbox' : '');
};

const imageOf = (area) => {
  const map = pathOf(area, []).find((element) => html(element) === 'map');
  const name = map && (attribute(map, 'name') || attribute(map, 'id'));
  return name && queryAll(ownerDocument(area), `img[usemap="#${CSS.escape(name)}"]`)[0] || null;
};
const pick = (hit, focused, hidden) => {
  const start = elementOf(hit);
  return start && (focused ? start : pathOf(start, hidden).find(meaningful) ?? start);
};
const noSender = words('button reset submit image file color');
const submitterOf = (control) => {
  const name = html(control), form = formOf(control, []);
  const sender = name === 'select' || name === 'input' && !noSender.has(typeGetters.input(control));
  return form && sender ? defaultButton(form) : null;
};
const related = (hit, focused, want, hidden) => {
  const element = pick(hit, focused, hidden);
  if (want === 'submitter') return element && submitterOf(element);
  return want === 'image' ? imageOf(element) : want === 'control' ? controlOf(element) : element;
};
const facts = (hit, focused, hidden) => {
  const element = pick(hit, focused, hidden);
  if (!element) return null;
  const control = controlOf(element), path = pathOf(element, hidden);
  const name = html(control), form = formOf(control, pathOf(control, hidden));
  const disabled = matches(control, ':disabled'), submits = sends(control);
  const button = submits ? control : form && name === 'input' ? defaultButton(form) : null;
  const by = button && (submits || !matches(button, ':disabled')) ? button : null;
  const action = form && (by && has(by, 'formaction') ? overrides[html(by)][0](by) : formAction(form));
  const how = form && (by && has(by, 'formmethod') ? overrides[html(by)][1](by) : formMethod(form));
  const type = name === 'input' ? typeGetters.input(control) : null;
  const text = textOf(element);
  const writable = name === 'textarea' || name === 'input' && typed.has(type)
    ? !disabled && !matches(control, '[readonly]')
    : editing(control) || designMode(ownerDocument(control)) === 'on';
  let link = null;
  for (let i = 0; i < path.length && link === null; i++) link = linkOf(path[i]);
  const plain = ['aria-label', 'alt', 'title'].map((key) => attribute(control, key)).find((value) => value);
  return {
    index: [hit, ...hidden].indexOf(element), labels: control !== element,
    native_role: nativeRole(control), plain_name: plain ?? text, target: {
      tag: localName(element), text, href: link, submits: submits && form !== null && !disabled,
      form_method: form ? how : null, form_action: form && how !== 'dialog' ? action : null,
      input_type: type, editable: writable, frame_origin: self.origin,
      password: type === 'password' || writable && getComputedStyle(control).webkitTextSecurity !== 'none',
    },
  };
};
"""

_SAME: Final = r"""
const queryBelow = method(Element, 'querySelectorAll');
const sameFacts = (top, wanted, most) => {
  const out = [], roots = [top];
  for (let budget = 20000; roots.length && out.length < most && budget > 0;) {
    const root = roots.shift();
    const below = nodeType(root) === 11 ? queryWithin(root, '*') : queryBelow(root, '*');
    const all = nodeType(root) === 11 ? [...below] : [root, ...below];
    for (let i = 0; i < all.length && out.length < most && budget-- > 0; i++) {
      const shadow = shadowOf(all[i]);
      if (shadow) roots.push(shadow);
      if (localName(all[i]) !== wanted.tag) continue;
      const said = facts(all[i], true, []).target;
      if (Object.keys(wanted).every((key) => said[key] === wanted[key])) out.push(all[i]);
    }
  }
  return out;
};
"""

FACTS: Final = function("facts(this, a[0], a.slice(1))", _LIBRARY)
"""On a node, with whether it has the focus and then nodes that may hold it through closed shadow roots,
nearest first: what can be said of the element that acts, and which of these nodes it is (-1 for none)."""

RELATED: Final = function("related(this, a[0], a[1], a.slice(2))", _LIBRARY)
"""As `FACTS`, with what is wanted after the focus: that element (`element`), the control that a click on it
reaches (`control`), the image that an area lies on (`image`), or the button that Enter in it presses
(`submitter`, null if none)."""


def search(most: int) -> str:
    """On an element, with facts of another: the first `most` elements in and below it with the same facts.

    Open shadow roots are searched too.
    """
    return function(f"sameFacts(this, a[0], {most})", _LIBRARY + _SAME)
