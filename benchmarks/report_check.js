// Every piece of text a reader sees, with its colour and what is painted behind it; run inside the page.
// Gives {overflow: [[what, by]], overlaps: [[text, text]], texts: [{where, text, ink, ground, px, bold}]}, colours as [r, g, b] 0…255.
(() => {
  "use strict";
  const dark = matchMedia("(prefers-color-scheme: dark)").matches && /dark/.test(getComputedStyle(document.documentElement).colorScheme);
  const CANVAS = dark ? [18, 18, 18] : [255, 255, 255]; // what Chromium paints below a page without a ground of its own

  function parsed(colour) {
    const parts = /^rgba?\(([^)]+)\)$/.exec(colour);
    if (!parts) throw new Error("a colour that is not rgb: " + colour);
    const [r, g, b, a = 1] = parts[1].split(/[\s,/]+/).map(Number);
    return [r, g, b, a];
  }
  function over(top, below) {
    return [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  }
  function opacity(element) {
    let product = 1;
    for (let e = element; e; e = e.parentElement) product *= Number(getComputedStyle(e).opacity);
    return product;
  }
  // What one element paints at a point, or null. A stroke counts as ground from 4 px on: thinner is a line, not a ground.
  function paint(element, x, y) {
    const style = getComputedStyle(element);
    let colour = style.backgroundColor;
    if (element instanceof SVGGeometryElement) {
      const at = new DOMPoint(x, y).matrixTransform(element.getScreenCTM().inverse());
      if (style.fill !== "none" && element.isPointInFill(at)) colour = style.fill;
      else if (style.stroke !== "none" && parseFloat(style.strokeWidth) >= 4 && element.isPointInStroke(at)) colour = style.stroke;
      else return null;
    } else if (element instanceof SVGElement && !(element instanceof SVGSVGElement)) return null;
    if (style.backgroundImage !== "none") throw new Error("text on a picture, whose colour cannot be told: " + place(element));
    const [r, g, b, a] = parsed(colour);
    return a ? [r, g, b, a * opacity(element)] : null;
  }
  // What lies behind a point of an element's text: all that is painted there from the element itself downwards.
  function ground(element, x, y) {
    const stack = document.elementsFromPoint(x, y);
    const layers = stack.slice(Math.max(0, stack.indexOf(element)));
    let colour = CANVAS;
    for (const layer of layers.reverse()) {
      const painted = layer instanceof SVGTextContentElement ? null : paint(layer, x, y);
      if (painted) colour = over(painted, colour);
    }
    return colour;
  }
  function place(element) {
    const section = element.closest("[id]");
    const name = element.tagName.toLowerCase() + (element.getAttribute("class") ? "." + element.getAttribute("class").trim().split(/\s+/).join(".") : "");
    return (section ? "#" + section.id + " " : "") + name;
  }

  const texts = [], boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const words = node.textContent.trim();
    if (!words || element.closest("script, style, title, template")) continue;
    const style = getComputedStyle(element);
    if (style.visibility !== "visible") continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const svg = element instanceof SVGElement;
    const ink = parsed(svg ? style.fill : style.color);
    ink[3] *= opacity(element);
    for (const box of range.getClientRects()) {
      if (box.width < 1 || box.height < 1) continue;
      boxes.push({ element, words, left: box.left, right: box.right, top: box.top + box.height / 5, bottom: box.bottom - box.height / 5 });
      const y = box.top + box.height / 2;
      for (const share of [0.02, 0.5, 0.98]) {
        const below = ground(element, box.left + share * box.width, y);
        const scale = svg ? element.getScreenCTM().a : 1;
        texts.push({
          where: place(element), text: words.slice(0, 60), ink: over(ink, below), ground: below,
          px: parseFloat(style.fontSize) * scale, bold: Number(style.fontWeight) >= 700,
        });
      }
    }
  }

  const overlaps = [];
  boxes.sort((a, b) => a.top - b.top);
  boxes.forEach((a, i) => {
    for (let j = i + 1; j < boxes.length && boxes[j].top < a.bottom; j++) {
      const b = boxes[j];
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) < 2 || a.element === b.element) continue;
      overlaps.push([place(a.element) + " “" + a.words.slice(0, 40) + "”", place(b.element) + " “" + b.words.slice(0, 40) + "”"]);
    }
  });
  const root = document.documentElement;
  const overflow = [];
  if (root.scrollWidth > root.clientWidth) overflow.push(["the page", root.scrollWidth - root.clientWidth]);
  for (const element of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    const hides = style.overflowX !== "visible" && element.clientWidth > 0;
    if (hides && element.scrollWidth > element.clientWidth + 1) overflow.push([place(element), element.scrollWidth - element.clientWidth]);
  }
  return { overflow, overlaps, texts };
})()
