// What a person sees of a page, measured in the page itself: `seen.texts(root)` judges every piece of text below an element.
// Installed by `tests/support/browser.py` in a world of its own; the page's own scripts, if any, cannot reach it.
globalThis.seen = (() => {
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };

  const over = (top, below) => {
    const mix = (name) => top[name] * top.a + below[name] * (1 - top.a);
    return { r: mix("r"), g: mix("g"), b: mix("b"), a: 1 };
  };

  const ancestors = function* (element) {
    for (let one = element; one; one = one.parentElement) yield one;
  };

  // The colour behind an element; null where a picture or gradient makes it anybody's guess.
  const background = (element) => {
    const layers = [];
    for (const one of ancestors(element)) {
      const style = getComputedStyle(one);
      if (style.backgroundImage !== "none") return null;
      layers.push(rgba(style.backgroundColor));
      if (layers.at(-1).a === 1) break;
    }
    const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
    const canvas = dark ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 };
    return layers.reduceRight((below, top) => over(top, below), canvas);
  };

  const luminance = ({ r, g, b }) => {
    const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };

  // WCAG 2.2, contrast ratio; 0 where the background is not one colour.
  const contrast = (element) => {
    const below = background(element);
    if (!below) return 0;
    const [high, low] = [luminance(over(rgba(getComputedStyle(element).color), below)), luminance(below)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };

  const clipped = (box, element) => {
    for (const one of ancestors(element)) {
      if (one === document.body || one === document.documentElement || getComputedStyle(one).overflow === "visible") continue;
      const edge = one.getBoundingClientRect();
      if (box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 1 || box.bottom > edge.bottom + 1) return true;
    }
    return false;
  };

  // Why nobody sees this box of that element; "" when it is seen. Height and width of the page count, not of the window.
  const unseen = (box, element) => {
    if (box.width < 1 || box.height < 1) return "no size";
    for (const one of ancestors(element)) {
      const style = getComputedStyle(one);
      if (style.display === "none") return "display";
      if (Number(style.opacity) < 0.9) return "opacity";
    }
    if (getComputedStyle(element).visibility !== "visible") return "visibility";
    if (box.left + scrollX < 0 || box.top + scrollY < 0) return "off the page";
    return clipped(box, element) ? "clipped" : "";
  };

  const boxes = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return [...range.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
  };

  const covered = (box, element) => {
    scrollTo(scrollX, scrollY + box.top - innerHeight / 2);
    const [now] = boxes(element);
    const hit = now && document.elementFromPoint(now.left + now.width / 2, now.top + now.height / 2);
    return !hit || !element.contains(hit);
  };

  const textNodes = function* (root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const parent = walker.currentNode.parentElement;
      if (walker.currentNode.data.trim() && !parent.closest("script,style,title,template,head,noframes")) yield walker.currentNode;
    }
  };

  const texts = (root) =>
    [...textNodes(root)].map((node) => {
      const element = node.parentElement;
      const lines = boxes(node);
      return {
        text: node.data.trim().replace(/\s+/g, " "),
        why: lines.length ? lines.map((box) => unseen(box, element)).find(Boolean) ?? "" : "no size",
        covered: lines.length > 0 && covered(lines[0], element),
        size: parseFloat(getComputedStyle(element).fontSize),
        contrast: contrast(element),
        right: Math.max(0, ...lines.map((box) => box.right + scrollX)),
      };
    });

  return { boxes, covered, texts, textNodes, unseen };
})();
