/* A small mark on the cards of what has something to review. One question for all cards that come into a page together. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, h, Icon, key, t } = AITagger;
  const { React, patch } = api;
  const { ReactRouterDOM } = api.libraries;

  const TOGETHER_MS = 150;
  const counts = new Map(); // key → how many wait, of what was asked
  let wanted = new Map();
  let timer = 0;

  let off = false; // a setting
  const chosen = () => AITagger.readSettings().then((settings) => (off = Boolean(settings.noMarks)), () => {});
  let asked = null; // once a visit

  function want(item) {
    if (counts.has(key(item)) || wanted.has(key(item))) return;
    wanted.set(key(item), item);
    if (!timer) timer = setTimeout(fetch, TOGETHER_MS);
  }

  async function fetch() {
    const items = Array.from(wanted.values());
    wanted = new Map();
    timer = 0;
    asked = asked || chosen();
    await asked;
    if (off) return;
    try {
      const { marks } = await ask("marks", { items });
      items.forEach((item) => counts.set(key(item), marks[key(item)] || 0));
      changed.tell("marks");
    } catch (error) {
      // A list without marks is a list all the same.
    }
  }

  changed.on("review", () => counts.clear());
  changed.on("settings", () => {
    asked = null;
    counts.clear();
  });

  function Mark({ item }) {
    AITagger.useChanged("marks");
    React.useEffect(() => want(item), [key(item)]);
    const n = counts.get(key(item));
    if (!n) return null;
    const label = t("openOnes", { n });
    const path = { scene: "scenes", image: "images", gallery: "galleries" }[item.kind];
    return h(ReactRouterDOM.Link, { className: "ai-tagger-mark", to: `/${path}/${item.id}`, title: label, "aria-label": label }, h(Icon, { name: "faWandMagicSparkles" }), ` ${n}`);
  }

  function mark(kind) {
    return (props, ...rest) => {
      const id = (props[kind] || {}).id;
      const drawn = rest[rest.length - 1];
      return id ? h(React.Fragment, null, drawn, h(Mark, { item: { kind, id } })) : drawn;
    };
  }

  patch.after("SceneCard.Overlays", mark("scene"));
  patch.after("GalleryCard.Overlays", mark("gallery"));
  patch.after("ImageCard.Overlays", mark("image")); // Stash after 0.30.1
})();
