/* Highlights of a scene: the best spans of the best people and tags, as a suggestion, and markers of those one likes. And
 * the rule "markers for this tag everywhere". */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, clock, h, Icon, key, refreshStash, t } = AITagger;
  const { React } = api;
  const { Button, Form } = api.libraries.Bootstrap;

  function Highlights({ item, head }) {
    const [answer, , again] = AITagger.useAnswer("highlights", { items: [item] }, key(item));
    const [left, setLeft] = React.useState([]); // beginnings of those that are not wanted
    const [busy, setBusy] = React.useState(false);
    React.useEffect(() => changed.on("item", (name) => name === key(item) && again()), [key(item)]);
    const found = (answer && answer.highlights) || [];
    if (!found.length) return null;
    const chosen = found.filter((one) => one.tag && !left.includes(one.from));

    async function make() {
      setBusy(true);
      try {
        const { made } = await ask("make-markers", { items: [item], moments: chosen.map((one) => one.from) });
        AITagger.toast.success(t("markersMade", { n: made }));
        changed.tell("item", key(item));
        await refreshStash();
      } catch (error) {
        AITagger.toast.error(error);
      }
      setBusy(false);
    }

    const toggle = (one) => setLeft(left.includes(one.from) ? left.filter((from) => from !== one.from) : [...left, one.from]);
    const row = (one) => {
      const times = `${clock(one.from)} – ${clock(one.to)}`;
      return h(
        "li",
        { key: one.from, className: "d-flex align-items-center" },
        h(Form.Check, { id: `ai-tagger-highlight-${key(item)}-${one.from}`, type: "checkbox", disabled: !one.tag, checked: Boolean(one.tag) && !left.includes(one.from), label: h("span", { className: "sr-only" }, t("chooseHighlight", { tag: one.title, times })), onChange: () => toggle(one) }),
        h(Button, { variant: "link", className: "p-1", title: t("jump", { tag: one.title, from: clock(one.from), to: clock(one.to) }), "aria-label": `${times} ${one.title}`, onClick: () => AITagger.jumpTo(one.from) }, times),
        h("span", { className: "tag-item badge badge-secondary" }, one.title)
      );
    };
    return h(
      "section",
      { className: "ai-tagger-highlights mt-3" },
      h(head, { className: "h5" }, t("highlights")),
      h("ul", { className: "list-unstyled mb-2" }, found.map(row)),
      h(Button, { variant: "secondary", "aria-disabled": busy || !chosen.length, onClick: () => !busy && chosen.length && make() }, h(Icon, { name: "faMapMarkerAlt" }), " ", t("markersOfThese"))
    );
  }

  /* From now on scenes get markers where this tag is seen, and those that have it already get them now. */
  async function markEverywhere(tag) {
    try {
      const { tags } = await ask("markers", { action: "list" });
      if (!tags.some((one) => one.toLocaleLowerCase() === tag.toLocaleLowerCase())) await AITagger.writeSettings({ markers: AITagger.joined([...tags, tag]) });
      await AITagger.makeMarkers();
      AITagger.toast.success(t("markEverywhereDone", { tag }));
    } catch (error) {
      AITagger.toast.error(error);
    }
  }

  const makeMarkers = () => AITagger.runTask({ args: { mode: "markers", action: "make" }, description: `AI Tagger: ${t("makeMarkersNow")}` });
  const takeMarkersBack = () => AITagger.runTask({ args: { mode: "markers", action: "take-back" }, description: `AI Tagger: ${t("takeAllMarkersBack")}` });

  Object.assign(AITagger, { Highlights, makeMarkers, markEverywhere, takeMarkersBack });
})();
