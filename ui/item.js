/* The "AI" tab of a scene and the panel of an image: what was seen, how sure, why, where; and the timeline. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, clock, h, Icon, key, lacks, listed, t } = AITagger;
  const { React, patch } = api;
  const { Bootstrap, ReactRouterDOM } = api.libraries;
  const { Button, Nav, Overlay, Popover, Spinner, Tab } = Bootstrap;

  const GROUPS = ["apply", "review", "undone", "keep", "gone"];
  const SHOWN_AT_FIRST = 5; // of what is only remembered
  const HOVER_MS = 150; // who only passes over a row doesn't ask
  // Beside the row, so that it hides no other; below or above it on a phone.
  const AROUND = [
    { name: "flip", options: { fallbackPlacements: ["left", "bottom", "top"] } },
    { name: "offset", options: { offset: [0, 8] } }, // Its arrow needs room.
  ];
  const BESIDE = { placement: "right", flip: true, popperConfig: { modifiers: AROUND } };

  /* -------------------------------------------------------------- what is known, once for tab and timeline */

  const known = new Map(); // key → {answer, error, pictures}

  async function read(item) {
    const name = key(item);
    try {
      const answer = await ask("item", { items: [item] });
      known.set(name, { answer });
    } catch (error) {
      known.set(name, { error });
    }
    changed.tell("known", name);
  }

  /* The frames are many and large: read when a person first wants to see one. */
  async function readPictures(item) {
    const entry = known.get(key(item));
    if (!entry || entry.pictures) return;
    entry.pictures = [];
    try {
      const { pictures } = await ask("pictures", { items: [item] });
      Object.assign(known.get(key(item)) || entry, { pictures }); // The item may have been read again meanwhile.
    } catch (error) {
      console.warn(`AI Tagger: the pictures can't be read: ${error.message}`);
    }
    changed.tell("known", key(item));
  }

  changed.on("item", (name) => {
    const [kind, id] = name.split("-");
    if (known.has(name)) read({ kind, id });
  });

  function useItem(item) {
    const name = key(item);
    AITagger.useChanged("known");
    AITagger.useChanged("language");
    React.useEffect(() => {
      read(item); // What was read on the last visit may be old.
    }, [name]);
    return known.get(name) || {};
  }

  /* Tags that a person took away are a group of their own, and so are those that went with a run that was undone. */
  function groupsOf(answer) {
    const gone = answer.written.filter((entry) => entry.state === "gone").map((entry) => entry.name);
    const last = new Map(answer.written.map((entry) => [entry.name, entry.state]));
    const groups = { apply: [], review: [], keep: [], undone: [], gone: [] };
    answer.tags.forEach((tag) => {
      const verdict = tag.verdict === "apply" && last.get(tag.tag) === "undone" ? "undone" : tag.verdict;
      if (groups[verdict] && tag.tag && !gone.includes(tag.tag)) groups[verdict].push(tag);
    });
    groups.gone = gone.map((name) => ({ tag: name, verdict: "gone", evidence: [], spans_s: [], why: "", models: [] }));
    return groups;
  }

  /* -------------------------------------------------------------- the frame with its box */

  function nearest(pictures, time) {
    const distance = (picture) => Math.abs(picture.time_s - time);
    return pictures.reduce((best, picture) => (!best || distance(picture) < distance(best) ? picture : best), null);
  }

  function Frame({ item, tag }) {
    React.useEffect(() => {
      readPictures(item);
    });
    AITagger.useChanged("known");
    const { pictures } = known.get(key(item)) || {};
    const place = tag.evidence[0];
    const picture = place && pictures && nearest(pictures, place.time_s);
    if (!picture) return null;
    const boxes = tag.evidence.filter((e) => e.box && Math.abs(e.time_s - place.time_s) < 0.01).slice(0, 4);
    const percent = (share) => `${(100 * share).toFixed(2)}%`;
    const named = item.kind === "scene" ? t("frameOf", { time: clock(place.time_s), tag: tag.tag }) : t("picture", { tag: tag.tag });
    return h(
      "div",
      { className: "ai-tagger-frame" },
      h("img", { src: picture.url, alt: named }),
      boxes.map(({ box }, i) =>
        h("span", {
          key: i,
          className: "ai-tagger-box",
          style: { left: percent(box[0]), top: percent(box[1]), width: percent(box[2] - box[0]), height: percent(box[3] - box[1]) },
        })
      )
    );
  }

  const whyId = (item, tag) => `ai-tagger-why-${key(item)}-${tag.feature}-${tag.tag}`.replace(/\s/g, "_");

  function why(item, tag) {
    const times = item.kind === "scene" ? tag.spans_s.slice(0, 4).map(([from]) => clock(from)) : [];
    const facts = [
      tag.score !== undefined && t("score", { score: Number(tag.score.toFixed(2)) }),
      times.length && t("seenAt", { times: listed(times) }),
      tag.models.length && t("model", { models: listed(tag.models) }),
    ];
    return h(
      Popover,
      { id: whyId(item, tag), className: "ai-tagger-why" },
      h(Popover.Title, { as: "h3" }, tag.tag),
      h(
        Popover.Content,
        null,
        h(Frame, { item, tag }),
        tag.why && h("p", { className: "mb-1" }, tag.why),
        h("p", { className: "text-muted mb-0" }, facts.filter(Boolean).join("; "))
      )
    );
  }

  /* -------------------------------------------------------------- one tag */

  function Row({ item, tag, marked }) {
    const row = React.useRef(null);
    const later = React.useRef(0);
    const [shown, setShown] = React.useState(false);
    const percent = tag.probability === undefined ? null : AITagger.percent(tag.probability);
    const show = (yes, after) => {
      clearTimeout(later.current);
      later.current = setTimeout(() => setShown(yes), after);
    };
    React.useEffect(() => () => clearTimeout(later.current), []);
    const name = h(
      Button,
      {
        variant: "link",
        className: "ai-tagger-name p-0 text-left",
        "aria-describedby": shown ? whyId(item, tag) : undefined,
        onFocus: () => show(true, 0),
        onBlur: () => show(false, 0),
        onKeyDown: (event) => event.key === "Escape" && show(false, 0),
      },
      h("span", { className: "tag-item badge badge-secondary" }, tag.tag)
    );
    return h(
      "li",
      {
        ref: row,
        className: `ai-tagger-row ${marked ? "marked" : ""}`,
        "aria-current": marked || undefined,
        // A finger presses a button, and means no more by it.
        onPointerEnter: (event) => event.pointerType === "mouse" && show(true, HOVER_MS),
        onPointerLeave: () => show(false, HOVER_MS),
      },
      name,
      h(Overlay, { target: row, show: shown, ...BESIDE }, why(item, tag)),
      percent !== null &&
        h(
          "span",
          { className: "ai-tagger-sure", title: t("sure", { percent }) },
          h("span", { className: "ai-tagger-bar", "aria-hidden": true }, h("span", { style: { width: `${percent}%` } })),
          h("span", { className: "sr-only" }, t("sure", { percent })),
          h("span", { "aria-hidden": true }, `${percent} %`)
        ),
      AITagger.Deciding && h(AITagger.Deciding, { item, tag })
    );
  }

  function Group({ item, verdict, tags, from, head }) {
    const [all, setAll] = React.useState(verdict !== "keep");
    if (!tags.length) return null;
    const shown = all ? tags : tags.slice(0, SHOWN_AT_FIRST);
    const more = tags.length - SHOWN_AT_FIRST;
    const fold = verdict === "keep" && more > 0;
    return h(
      "section",
      { className: "ai-tagger-group" },
      h(head, { className: "h5", title: t(`verdictHelp_${verdict}`) }, t(`verdict_${verdict}`), " ", h("small", { className: "text-muted" }, tags.length)),
      verdict === "keep" && h("p", { className: "small text-muted mb-1" }, t("keepWhy"), " ", h(ReactRouterDOM.Link, { className: "ai-tagger-link", to: "/plugins/ai_tagger/settings" }, t("settings"))),
      h("ul", { className: "list-unstyled mb-2" }, shown.map((tag) => h(Row, { key: `${tag.feature}/${tag.tag}`, item, tag, marked: tag.tag === from }))),
      fold &&
        h(Button, { variant: "link", className: "p-0", onClick: () => setAll(!all), "aria-expanded": all }, all ? t("showLess") : t("showMore", { n: more }))
    );
  }

  function Problem({ error, again }) {
    return h(
      "div",
      { role: "alert" },
      h("p", null, t("failed", { reason: error.message })),
      h(Button, { variant: "secondary", onClick: again }, t("tryAgain"))
    );
  }

  /* Everything that is known of one item; the tag that somebody came from is marked. "head" is what its headings are below
   * those of the page. */
  function ItemPanel({ item, from, head }) {
    const { answer, error } = useItem(item);
    if (error) return h(Problem, { error, again: () => read(item) });
    if (!answer) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));
    if (answer.failure) return h("p", null, t("couldNotRead", { reason: answer.failure }));
    if (!answer.known) {
      return h(
        "div",
        null,
        h("p", null, t("notLooked")),
        h(Button, { variant: "primary", onClick: () => AITagger.tagThese([item]) }, h(Icon, { name: "faWandMagicSparkles" }), " ", t("tagThis"))
      );
    }
    const groups = groupsOf(answer);
    const empty = GROUPS.every((verdict) => !groups[verdict].length);
    return h(
      "div",
      { className: "ai-tagger-item" },
      empty && h("p", null, t("nothingSeen")),
      GROUPS.map((verdict) => h(Group, { key: verdict, item, verdict, tags: groups[verdict], from, head })),
      AITagger.ItemActions && h(AITagger.ItemActions, { item, answer }),
      item.kind === "scene" && AITagger.Highlights && h(AITagger.Highlights, { item, head })
    );
  }

  /* -------------------------------------------------------------- timeline under the player */

  function jumpTo(seconds) {
    const element = document.getElementById("VideoJsPlayer");
    const player = element && element.player;
    const video = document.querySelector(".scene-player-container video");
    if (player && player.currentTime) {
      player.currentTime(seconds);
      player.play();
    } else if (video) {
      video.currentTime = seconds;
      video.play();
    } else lacks("player that can be told to jump");
  }

  function Timeline({ scene }) {
    const item = { kind: "scene", id: scene.id };
    const { answer } = useItem(item);
    const length = (answer && answer.duration_s) || (scene.files[0] && scene.files[0].duration) || 0;
    if (!answer || !length) return null;
    const groups = groupsOf(answer);
    const rows = [...groups.apply, ...groups.review].filter((tag) => tag.spans_s.length);
    if (!rows.length) return null;
    const percent = (seconds) => `${Math.min(100, (100 * seconds) / length).toFixed(3)}%`;
    return h(
      "div",
      { className: "ai-tagger-timeline", role: "group", "aria-label": t("timeline") },
      rows.map((tag) =>
        h(
          "div",
          { key: `${tag.feature}/${tag.tag}`, className: `ai-tagger-line ${tag.verdict}` },
          h("span", { className: "ai-tagger-line-name", title: tag.tag }, tag.tag),
          h(
            "div",
            { className: "ai-tagger-spans" },
            tag.spans_s.map(([from, to]) => {
              const named = t("jump", { tag: tag.tag, from: clock(from), to: clock(to) });
              return h("button", {
                key: from,
                type: "button",
                title: named,
                "aria-label": named,
                onClick: () => jumpTo(from),
                style: { left: percent(from), width: percent(to - from) },
              });
            })
          )
        )
      )
    );
  }

  /* -------------------------------------------------------------- where they are */

  const PANE = "ai-tagger-panel";
  const added = (children, own) => h(React.Fragment, null, children, own);

  patch.before("ScenePage.Tabs", (props) => [
    {
      ...props,
      children: added(props.children, h(Nav.Item, { key: PANE }, h(Nav.Link, { eventKey: PANE }, t("ai")))),
    },
  ]);
  patch.before("ScenePage.TabContent", (props) => [
    {
      ...props,
      children: added(
        props.children,
        h(
          Tab.Pane,
          { key: PANE, eventKey: PANE, mountOnEnter: true, unmountOnExit: true },
          h(ItemPanel, { head: "h4", item: { kind: "scene", id: props.scene.id } })
        )
      ),
    },
  ]);
  patch.after("ScenePlayer", (props, ...rest) =>
    h(React.Fragment, null, rest[rest.length - 1], h(Timeline, { key: `ai-${props.scene.id}`, scene: props.scene }))
  );
  patch.after("ImageDetailPanel", (props, ...rest) =>
    h(
      React.Fragment,
      null,
      rest[rest.length - 1],
      h("div", { className: "ai-tagger-panel" }, h("h4", null, t("ai")), h(ItemPanel, { head: "h5", item: { kind: "image", id: props.image.id } }))
    )
  );

  Object.assign(AITagger, { ItemPanel, jumpTo, readItem: read });
})();
