"""What is asked of a page, in a world of its own that the page's script can neither see nor change.

A document is hostile even there: `<input name=action>` and `<img name=designMode>` take the place of a form's
or a document's own properties in every world. So nothing is read off an element; every getter and method is
taken from a prototype, which this world alone has, and applied to it. Elements are told apart by name and
namespace, because `instanceof` fails on one that was adopted from another frame.
"""

from typing import Final

LIBRARY: Final = r"""
const getter = (type, name) => {
  const read = Object.getOwnPropertyDescriptor(type.prototype, name).get;
  return (object) => read.call(object);
};
const method = (type, name) => {
  const call = type.prototype[name];
  return (object, ...rest) => call.apply(object, rest);
};
const nodeType = getter(Node, 'nodeType'), parentNode = getter(Node, 'parentNode');
const firstChild = getter(Node, 'firstChild'), nextSibling = getter(Node, 'nextSibling');
const textContent = getter(Node, 'textContent'), baseURI = getter(Node, 'baseURI');
const rootOf = method(Node, 'getRootNode'), hostOf = getter(ShadowRoot, 'host');
const localName = getter(Element, 'localName'), namespaceURI = getter(Element, 'namespaceURI');
const slotOf = getter(Element, 'assignedSlot'), shadowOf = getter(Element, 'shadowRoot');
const attribute = method(Element, 'getAttribute'), matches = method(Element, 'matches');
const queryAll = method(Document, 'querySelectorAll');
const queryWithin = method(DocumentFragment, 'querySelectorAll');
const visible = method(Element, 'checkVisibility'), assigned = method(HTMLSlotElement, 'assignedNodes');
const inEditing = getter(HTMLElement, 'isContentEditable'), editContext = getter(HTMLElement, 'editContext');
const designMode = getter(Document, 'designMode'), documentElement = getter(Document, 'documentElement');
const activeElement = getter(Document, 'activeElement'), activeWithin = getter(ShadowRoot, 'activeElement');
const ownerDocument = getter(Node, 'ownerDocument');
const fromPoint = method(Document, 'elementFromPoint');
const fromPointWithin = method(ShadowRoot, 'elementFromPoint');

const html = (element) => namespaceURI(element) === 'http://www.w3.org/1999/xhtml' ? localName(element) : '';
const has = (element, name) => attribute(element, name) !== null;

const elementOf = (thing) => {
  let type = 0;
  try { type = nodeType(thing); } catch { return thing.element ?? null; }
  return type === 1 ? thing : type === 9 ? documentElement(thing) : null;
};
const above = (element) => {
  const slot = slotOf(element);
  if (slot) return slot;
  const parent = parentNode(element);
  if (!parent) return null;
  const type = nodeType(parent);
  if (type === 1) return parent;
  try { return type === 11 ? hostOf(parent) : null; } catch { return null; }
};
const pathOf = (element, hidden) => {
  const path = [];
  for (let at = element; at && path.length < 1024; at = above(at)) path.push(at);
  for (const other of hidden.map(elementOf)) {
    if (!other || path.includes(other)) continue;
    let host = other;
    for (let depth = 0; host && !path.includes(host) && depth < 64; depth++) {
      try { host = hostOf(rootOf(host)); } catch { host = null; }
    }
    if (host && host !== element) path.splice(path.indexOf(host), 0, other);
  }
  return path;
};
const transforms = ['transform', 'translate', 'rotate', 'scale', 'perspective', 'offsetPath'];
const frameBox = (element) => {
  const style = getComputedStyle(element), px = (name) => parseFloat(style[name]) || 0;
  const left = px('borderLeftWidth') + px('paddingLeft'), top = px('borderTopWidth') + px('paddingTop');
  const across = left + px('borderRightWidth') + px('paddingRight');
  const down = top + px('borderBottomWidth') + px('paddingBottom');
  const whole = style.boxSizing === 'border-box';
  const width = px('width') + (whole ? 0 : across), height = px('height') + (whole ? 0 : down);
  const moved = pathOf(element, []).some((each) => {
    const drawn = getComputedStyle(each);
    return transforms.some((name) => drawn[name] !== 'none');
  });
  return {width, height, left, top, inner: [width - across, height - down], moved};
};
const nearest = (x, y, nodes) => {
  let at = fromPoint(document, x, y);
  for (let depth = 0; at && depth < 64; depth++) {
    const shadow = shadowOf(at), inner = shadow && fromPointWithin(shadow, x, y);
    if (!inner || inner === at) break;
    at = inner;
  }
  return nodes.findIndex((node) => {
    let element = elementOf(node);
    for (let depth = 0; element && element !== at && depth < 64; depth++) {
      try { element = hostOf(rootOf(element)); } catch { element = null; }
    }
    return element !== null && element === at;
  });
};
const focus = (root) => {
  let at = root === null ? activeElement(document) ?? documentElement(document) : activeWithin(root);
  for (let depth = 0; at && depth < 64; depth++) {
    const shadow = shadowOf(at), inner = shadow && activeWithin(shadow);
    if (!inner) break;
    at = inner;
  }
  return at;
};
"""


def function(call: str, more: str = "") -> str:
    """Declare a function that returns `call`, an expression over the library, with its arguments in `a`.

    Args:
        call: the expression.
        more: what it needs beside the library.
    """
    return f"function (...a) {{ {LIBRARY} {more} return {call}; }}"


NEAREST: Final = function("nearest(a[0], a[1], [this, ...a.slice(2)])")
"""On a node, with a point in its frame's viewport and then other nodes: which of the nodes is at the point,
to a fraction of a pixel (-1 for none)."""

FRAME_BOX: Final = function("frameBox(this)")
"""On an embedding element: its size, where in it the frame lies and how large that is, all in the element's
own CSS pixels, and whether it is drawn anywhere but where the layout put it."""

FOCUS: Final = function("focus(null)")
"""On anything: the document's focused element, through open shadow roots."""

FOCUS_WITHIN: Final = function("focus(this)")
"""On a shadow root: its focused element, or null."""
