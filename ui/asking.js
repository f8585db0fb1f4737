/* "Tag this": asks for items, follows them until they are looked at, says what was found. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, h, Icon, listed, refreshStash, t } = AITagger;
  const { React } = api;
  const { Bootstrap } = api.libraries;

  const FIRST_LOOK_MS = 1000;
  const LOOK_EVERY_MS = 2000;
  const GIVE_UP_AFTER = 5; // answers in a row that didn't come

  const key = (item) => `${item.kind}-${item.id}`;
  const asked = new Map(); // key → {phase, ahead}: what the buttons show
  let batch = null; // {done, n}: a list of items under way

  function show(items, state) {
    items.forEach((item) => (state ? asked.set(key(item), state) : asked.delete(key(item))));
    changed.tell("asked");
  }

  const pause = (ms) => new Promise((go) => setTimeout(go, ms));

  /* Wait a little, and as long as nobody looks at the page. */
  async function untilSeen(ms) {
    await pause(ms);
    while (document.hidden) await pause(500);
  }

  /* Ask for the items; resolves when all of them were looked at (or nobody knows). Errors are said here. */
  async function tagThese(items) {
    const many = items.length > 1;
    show(items, { phase: "asking" });
    try {
      const end = await follow(items, await ask("ask", { items }), many);
      await refreshStash();
      items.forEach((item) => changed.tell("item", key(item)));
      changed.tell("review");
      if (many) sayMany(items, end);
      else await sayOne(items[0], end);
    } catch (error) {
      AITagger.toast.error(error);
    } finally {
      batch = null;
      show(items, null);
    }
  }

  async function follow(items, first, many) {
    let state = first;
    let failures = 0;
    let told = items.length;
    let wait = FIRST_LOOK_MS;
    while (state.waiting.length) {
      if (state.problem) throw new Error(state.problem);
      show(items, { phase: state.working ? "looking" : "starting", ahead: state.ahead });
      if (many) {
        batch = { done: items.length - state.waiting.length, n: items.length };
        changed.tell("asked");
      }
      await untilSeen(wait);
      wait = LOOK_EVERY_MS;
      try {
        state = await ask("asked", { items });
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures >= GIVE_UP_AFTER) throw error;
      }
      if (many && told - state.waiting.length >= 20) {
        told = state.waiting.length;
        await refreshStash();
      }
    }
    return state;
  }

  function sayMany(items, end) {
    const n = items.length;
    const failed = end.failed.length;
    if (failed) AITagger.toast.error(t("servedSome", { n, done: n - failed, failed }));
    else AITagger.toast.success(t("servedAll", { n }));
  }

  async function sayOne(item, end) {
    if (end.failed.length) {
      AITagger.toast.error(t("couldNotRead", { reason: end.failed[0].reason }));
      return;
    }
    const seen = await ask("item", { items: [item] });
    const written = seen.tags.filter((tag) => tag.verdict === "apply").map((tag) => tag.tag);
    const toReview = seen.tags.filter((tag) => tag.verdict === "review").length;
    const parts = [];
    if (written.length) parts.push(t("found", { name: t("name"), tags: listed(written) }));
    if (toReview) parts.push(t("toReview", { n: toReview }));
    AITagger.toast.success(parts.join(" ") || t("foundNothing"));
  }

  /* -------------------------------------------------------------- what people press */

  function words(state) {
    if (state.phase === "asking") return t("asking");
    if (state.phase === "starting") return t("starting");
    return state.ahead > 1 ? t("inLine", { n: state.ahead }) : t("looking");
  }

  /* The button in the toolbar of a scene, an image or a gallery. */
  function TagButton({ item }) {
    AITagger.useChanged("asked");
    AITagger.useChanged("language");
    const state = asked.get(key(item));
    const label = state ? words(state) : t("tagThis");
    const button = h(
      Bootstrap.Button,
      {
        className: "minimal ai-tagger-ask",
        variant: "secondary",
        title: label,
        "aria-label": label,
        "aria-busy": Boolean(state),
        // Not disabled while it works: a person with a keyboard would lose their place.
        onClick: () => !state && tagThese([item]),
      },
      h(Icon, { name: state ? "faSpinner" : "faWandMagicSparkles", spin: Boolean(state) })
    );
    const said = h("span", { className: "sr-only", role: "status" }, state ? label : "");
    return h(React.Fragment, null, button, said);
  }

  /* How far a list of items is; at the lower edge, out of the way. */
  function Progress() {
    AITagger.useChanged("asked");
    if (!batch) return null;
    const percent = Math.round((100 * batch.done) / batch.n);
    return h(
      "div",
      { className: "ai-tagger-progress card", role: "status" },
      h("span", null, t("lookedAt", batch)),
      h(AITagger.Bar, { percent, label: t("name") })
    );
  }

  Object.assign(AITagger, { key, tagThese, TagButton, TagProgress: Progress });
})();
