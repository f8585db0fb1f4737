"use strict";
// Filters, sorting, and which evidence a card shows. Without it the page still shows every item and every reason.
document.documentElement.classList.add("js");

addEventListener("DOMContentLoaded", () => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const cards = byId("cards");

  // -- one card: the evidence of decision k (a position in its list of reasons), or all at rest

  const views = new WeakMap(); // card → {k, f} now in sight
  const homes = new WeakMap(); // card → k that it returns to: pinned by a click, or the tag filtered by

  function show(card, k, frame) {
    const f = frame ?? (k === null ? 0 : Number(card.querySelectorAll("li")[k].dataset.f));
    const view = views.get(card);
    if ((view?.k ?? null) === k && (view?.f ?? 0) === f) return;
    views.set(card, { k, f });
    card.classList.toggle("active", k !== null);
    all(".stage img", card).forEach((image, index) => {
      image.hidden = index !== f;
      if (index === f && image.dataset.at) card.querySelector(".at").textContent = image.dataset.at;
    });
    for (const path of all(".boxes path", card)) path.toggleAttribute("hidden", Number(path.dataset.f) !== f);
    for (const part of all("[data-k]", card)) part.classList.toggle("on", Number(part.dataset.k) === k);
    const say = card.querySelector(".say");
    say.lastElementChild.hidden = false;
    if (say.children.length > 1) say.firstElementChild.remove();
    if (k !== null) {
      const why = document.createElement("span");
      why.textContent = document.getElementById(card.querySelector("h3").id.replace("n", "w") + "-" + k).textContent;
      say.prepend(why);
      say.lastElementChild.hidden = true;
    }
  }

  const home = (card) => show(card, homes.get(card) ?? null);

  // Filtering by a tag changes what every card shows; only those near the window are touched at once.
  const near = new WeakSet();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) near.delete(target);
      else if (!near.has(target)) {
        near.add(target);
        home(target);
      }
    }
  }, { rootMargin: "500px" });
  for (const card of cards.children) observer.observe(card);

  function pointed(event) {
    const card = event.target.closest(".card");
    if (!card) return;
    const moment = event.target.closest(".moment");
    const chip = event.target.closest(".chip");
    const row = event.target.closest("li");
    if (moment) show(card, [...row.parentNode.children].indexOf(row), Number(moment.dataset.f));
    else if (chip) show(card, Number(chip.dataset.k));
    else if (row) show(card, [...row.parentNode.children].indexOf(row));
    else if (!card.contains(document.activeElement) || !document.activeElement.matches(".chip, .moment")) home(card);
  }

  function left(event) {
    const card = event.target.closest(".card");
    if (card && !card.contains(event.relatedTarget)) home(card);
  }

  const pinned = new Set();

  function pin(card, k) {
    if (k === null) {
      homes.delete(card);
      pinned.delete(card);
    } else {
      homes.set(card, k);
      pinned.add(card);
    }
    for (const chip of all(".chip", card)) chip.setAttribute("aria-pressed", String(Number(chip.dataset.k) === k));
  }

  cards.addEventListener("pointerover", pointed);
  cards.addEventListener("focusin", pointed);
  cards.addEventListener("pointerout", left);
  cards.addEventListener("focusout", left);
  cards.addEventListener("click", (event) => {
    const chip = event.target.closest(".chip");
    if (!chip) return pointed(event);
    const card = chip.closest(".card");
    const k = Number(chip.dataset.k);
    pin(card, pinned.has(card) && homes.get(card) === k ? null : k);
    home(card);
  });

  // -- the list of cards

  const form = byId("filters");
  if (!form) return;
  const status = byId("status");
  const tagButtons = all(".alltags button[data-t]");
  const chosen = new Set();

  const items = all(".card", cards).map((card, order) => {
    const marks = all("li[data-t]", card).map((row, k) => ({
      tag: row.dataset.t, verdict: row.className, share: Number(row.dataset.p), k, name: row.querySelector("bdi").textContent,
    }));
    const name = card.querySelector("h3").textContent;
    const text = [name, card.querySelector(".say").textContent, ...marks.map((mark) => mark.name)].join("\n");
    return { card, order, name, marks, text: text.toLocaleLowerCase(), shown: true, surest: 0, filteredBy: null };
  });

  const natural = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const orders = {
    found: (a, b) => a.order - b.order,
    name: (a, b) => natural.compare(a.name, b.name) || a.order - b.order,
    surest: (a, b) => b.surest - a.surest || a.order - b.order,
    unsure: (a, b) => a.surest - b.surest || a.order - b.order,
  };
  let sorted = items;

  function match(item, words, verdict) {
    const fits = item.marks.filter((mark) => !verdict || mark.verdict === verdict);
    const wanted = chosen.size ? fits.filter((mark) => chosen.has(mark.tag)) : fits;
    item.surest = Math.max(0, ...wanted.map((mark) => mark.share));
    item.found = chosen.size ? wanted[0]?.k ?? null : null;
    return words.every((word) => item.text.includes(word))
      && [...chosen].every((tag) => fits.some((mark) => mark.tag === tag))
      && (!verdict || fits.length > 0);
  }

  function update() {
    const words = byId("q").value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const verdict = form.elements.v.value;
    const sort = byId("sort").value;
    let count = 0;
    for (const item of items) {
      const fits = match(item, words, verdict);
      count += fits;
      if (fits !== item.shown) item.card.hidden = !fits;
      item.shown = fits;
      // Filtered by a tag, each card shows where that tag is.
      if (fits && item.found !== item.filteredBy) {
        item.filteredBy = item.found;
        if (pinned.has(item.card)) pin(item.card, null);
        homes.set(item.card, item.found);
        if (near.has(item.card)) home(item.card);
      }
    }
    const order = [...items].sort(orders[sort]);
    if (order.some((item, index) => item !== sorted[index])) {
      sorted = order;
      cards.append(...order.map((item) => item.card));
    }
    byId("none").hidden = count > 0;
    byId("clear").hidden = !(words.length || verdict || chosen.size || sort !== "found");
    status.textContent = status.dataset.shown
      .replace("{n}", count.toLocaleString()).replace("{all}", items.length.toLocaleString());
  }

  let waiting = 0;
  const soon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(update);
  };
  for (const button of tagButtons) {
    button.addEventListener("click", () => {
      if (!chosen.delete(button.dataset.t)) chosen.add(button.dataset.t);
      button.setAttribute("aria-pressed", String(chosen.has(button.dataset.t)));
      soon();
    });
  }
  form.addEventListener("input", soon);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    chosen.clear();
    for (const button of tagButtons) button.setAttribute("aria-pressed", "false");
    byId("q").focus();
    soon();
  });
  update();
});
