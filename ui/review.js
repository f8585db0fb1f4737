/* The review page: what waits, one tag at a time, by keyboard or mouse. Answers show at once; the outbox sees them off. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, clock, h, Icon, key, outbox, t } = AITagger;
  const { React } = api;
  const { Bootstrap, ReactRouterDOM } = api.libraries;
  const { Badge, Button, ButtonGroup, Form, Spinner } = Bootstrap;

  const AT_ONCE = 40;
  const MORE_AT = 24;
  const AUDIT_EVERY = 6; // one of so many cards is of what was written already
  const AUDITED = { accept: "audit_right", reject: "audit_wrong" };

  function placeOf(entry) {
    return `${key(entry)}/${entry.tag}`;
  }

  /* -------------------------------------------------------------- one card */

  /* Drawn again only when something of it changed: in a long sitting there are a thousand. */
  const Card = React.memo(function Card({ entry, index, said, focused, reached, acts }) {
    const card = React.useRef(null);
    React.useEffect(() => {
      if (focused && card.current && document.activeElement !== card.current) card.current.focus();
    }, [focused]);
    const place = entry.evidence[0];
    const percent = (share) => `${(100 * share).toFixed(2)}%`;
    const sure = t("sure", { percent: AITagger.percent(entry.probability) });
    const where = entry.kind === "scene" && place ? ` · ${clock(place.time_s)}` : "";
    const link = `${t(`open_${entry.kind}`)}${where}`;
    const label = [!entry.picture && t("noPicture"), entry.audit && t("audit"), entry.tag, sure, link, said && t(said)].filter(Boolean).join(" ");
    const button = (say, icon) =>
      h(
        Button,
        { variant: "secondary", size: "sm", tabIndex: -1, active: said === say, "aria-pressed": said === say, title: t(say), "aria-label": `${t(say)}: ${entry.tag}`, onClick: () => acts.current.press(index, said === say ? null : say) },
        h(Icon, { name: icon })
      );
    return h(
      "div",
      { ref: card, className: `ai-tagger-card card ${said || ""}`, role: "gridcell", "aria-selected": focused, "aria-label": label, tabIndex: reached ? 0 : -1, onFocus: () => acts.current.setAt(index) },
      h(
        "div",
        { className: "ai-tagger-frame" },
        entry.picture ? h("img", { src: entry.picture, alt: "" }) : h("div", { className: "ai-tagger-no-picture" }, t("noPicture")),
        place && place.box &&
          h("span", { className: "ai-tagger-box", style: { left: percent(place.box[0]), top: percent(place.box[1]), width: percent(place.box[2] - place.box[0]), height: percent(place.box[3] - place.box[1]) } })
      ),
      h(
        "div",
        { className: "ai-tagger-card-foot" },
        h("span", { title: entry.why }, entry.audit && h(Badge, { variant: "secondary", className: "mr-1", title: t("auditHelp") }, t("audit")), h("strong", null, entry.tag), h("br"), h("span", { title: sure }, `${AITagger.percent(entry.probability)} %`), " · ", h(ReactRouterDOM.Link, { to: `/${PATHS[entry.kind]}/${entry.id}`, tabIndex: -1 }, link)),
        h("span", { className: "btn-group" }, button("accept", "faCheck"), button("reject", "faTimes"))
      )
    );
  });

  const PATHS = { scene: "scenes", image: "images", gallery: "galleries" };

  /* -------------------------------------------------------------- the page */

  /* What was written already, among what waits. */
  function mixed(entries, audits) {
    const rest = audits.slice();
    const all = entries.flatMap((entry, i) => ((i + 1) % AUDIT_EVERY || !rest.length ? [entry] : [entry, { ...rest.shift(), audit: true }]));
    return entries.length < AUDIT_EVERY ? [...all, ...rest] : all;
  }

  function useQueue(filter) {
    const [state, setState] = React.useState({ entries: null, tags: [], models: [], all: 0 });
    const latest = React.useRef(0);
    const busy = React.useRef(0);
    /* More than what is shown already; of that, so many still wait for all that the plugin knows. */
    async function load(shown, open) {
      if (busy.current && shown.length) return; // What comes will do.
      const turn = ++latest.current;
      busy.current = turn;
      try {
        const answer = await ask("review", { ...filter, limit: open + AT_ONCE });
        if (turn !== latest.current) return;
        busy.current = 0;
        const there = new Set(shown.map(placeOf));
        const isNew = (entry) => !there.has(placeOf(entry));
        const fresh = mixed(answer.waiting.filter(isNew), answer.audits.filter(isNew));
        setState({ entries: [...shown, ...fresh], tags: answer.tags, models: answer.models, all: answer.all, end: !fresh.length });
      } catch (error) {
        if (turn === latest.current) setState((was) => ({ ...was, entries: was.entries || [], error }));
      }
      if (busy.current === turn) busy.current = 0;
    }
    React.useEffect(() => {
      setState((was) => ({ ...was, entries: null, error: null }));
      load([], 0);
    }, [filter]);
    return [state, load];
  }

  /* -------------------------------------------------------------- which of them */

  const SURES = [
    [90, 100],
    [80, 90],
    [70, 80],
    [0, 70],
  ];

  function Filters({ filter, queue, onChange }) {
    const select = (name, label, value, chosen, options) =>
      h(
        Form.Control,
        { key: name, as: "select", className: "btn-secondary w-auto", value, "aria-label": label, onChange: (e) => onChange(chosen(e.target.value)) },
        options.map(([of, text]) => h("option", { key: of, value: of }, text))
      );
    const sure = filter.most === undefined ? "" : `${filter.least}-${filter.most}`;
    const range = (value) => (value ? { least: Number(value.split("-")[0]), most: Number(value.split("-")[1]) } : { least: undefined, most: undefined });
    const kinds = ["scene", "image", "gallery"].map((kind) => [kind, t(`open_${kind}`)]);
    return h(
      React.Fragment,
      null,
      select("tag", t("whichTag"), filter.tag, (tag) => ({ tag }), [["", `${t("allTags")} (${queue.all})`], ...queue.tags.map((one) => [one.tag, `${one.tag} (${one.n})`])]),
      h("label", { key: "since", className: "ai-tagger-since mb-0" }, t("addedSince"), h(Form.Control, { type: "date", className: "text-input w-auto ml-1", value: filter.since, max: new Date().toISOString().slice(0, 10), onChange: (e) => onChange({ since: e.target.value }) })),
      select("kind", t("whichKind"), filter.kind, (kind) => ({ kind }), [["", t("allKinds")], ...kinds]),
      select("sure", t("howSure"), sure, range, [["", t("anySure")], ...SURES.map(([from, to]) => [`${from}-${to}`, t("sureBetween", { from, to })])]),
      queue.models.length > 1 && select("model", t("whichModel"), filter.model, (model) => ({ model }), [["", t("allModels")], ...queue.models.map((model) => [model, model.split("@")[0]])])
    );
  }

  /* -------------------------------------------------------------- one item with all its tags */

  function OneItem({ entries, at, onGo }) {
    const page = React.useRef(null);
    const current = entries[at];
    const items = entries.map(key);
    React.useEffect(() => {
      if (page.current) page.current.focus();
    }, []);
    if (!current) return null;
    const go = (step) => {
      let i = at + step;
      while (entries[i] && (items[i] === key(current) || items.indexOf(items[i]) !== i)) i += step;
      if (entries[i]) onGo(i);
    };
    /* Of the tag that has the focus, or that one came from, once. The next of its group gets the focus: this one may leave it. */
    const press = (event, name) => {
      const row = event.target === page.current ? page.current.querySelector(".ai-tagger-row.marked:not(:has([aria-pressed=true]))") : event.target.closest(".ai-tagger-row");
      const button = row && row.querySelector(`.ai-tagger-${name}[aria-pressed=false]`);
      if (!button) return;
      const next = row.nextElementSibling;
      (next ? next.querySelector(".ai-tagger-name") : page.current).focus();
      button.click();
    };
    const keys = { ArrowRight: () => (page.current.focus(), go(1)), ArrowLeft: () => (page.current.focus(), go(-1)), y: (event) => press(event, "yes"), n: (event) => press(event, "no") };
    const onKeyDown = (event) => {
      if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey || /input|select/i.test(event.target.tagName)) return;
      event.preventDefault();
      event.nativeEvent.stopPropagation();
      keys[event.key](event);
    };
    const distinct = Array.from(new Set(items));
    const where = t("itemOf", { at: distinct.indexOf(key(current)) + 1, n: distinct.length });
    return h(
      "div",
      { ref: page, tabIndex: -1, className: "ai-tagger-one", role: "group", "aria-label": t("viewItem"), onKeyDown },
      h(
        "div",
        null,
        h("div", { className: "ai-tagger-frame" }, current.picture ? h("img", { src: current.picture, alt: "" }) : h("div", { className: "ai-tagger-no-picture" }, t("noPicture"))),
        h(
          "p",
          { className: "d-flex align-items-center justify-content-between mt-2" },
          h(Button, { variant: "secondary", onClick: () => go(-1), "aria-label": t("previousItem") }, h(Icon, { name: "faChevronLeft" })),
          h("span", { role: "status" }, where, " · ", h(ReactRouterDOM.Link, { to: `/${PATHS[current.kind]}/${current.id}` }, t(`open_${current.kind}`))),
          h(Button, { variant: "secondary", onClick: () => go(1), "aria-label": t("nextItem") }, h(Icon, { name: "faChevronRight" }))
        )
      ),
      h("div", null, h(AITagger.ItemPanel, { key: key(current), head: "h3", item: { kind: current.kind, id: current.id }, from: current.tag }))
    );
  }

  function Review() {
    AITagger.useChanged("language");
    const [filter, setFilter] = React.useState({ tag: "", kind: "", model: "", since: "" });
    const [byItem, setByItem] = React.useState(false);
    const [queue, load] = useQueue(filter);
    const [says, setSays] = React.useState({});
    const [at, setAt] = React.useState(0);
    const [problem, setProblem] = React.useState(null);
    const grid = React.useRef(null);
    const entries = queue.entries || [];
    const open = entries.filter((entry) => !says[placeOf(entry)]).length;
    const here = Math.max(0, Math.min(at, entries.length - 1)); // "at" may stand behind the last one, where more will be

    React.useEffect(() => changed.on("outbox", setProblem), []);
    React.useEffect(() => {
      outbox.send();
      return () => outbox.send();
    }, []);
    React.useEffect(() => setAt(0), [filter]);
    React.useEffect(() => {
      if (queue.end && at >= entries.length) setAt(Math.max(0, entries.length - 1)); // Nothing more comes.
    }, [at, queue]);
    React.useEffect(() => {
      if (queue.entries && open < MORE_AT && !queue.end && !queue.error) load(entries, entries.filter((entry) => !says[placeOf(entry)] || outbox.has(placeOf(entry))).length);
    }, [open, queue]);

    function say(index, act) {
      const entry = entries[index];
      if (!entry || (says[placeOf(entry)] || null) === act) return;
      if (says[placeOf(entry)]) outbox.withdraw(placeOf(entry));
      const places = [{ kind: entry.kind, id: entry.id, tag: entry.tag }];
      if (act) outbox.add(placeOf(entry), { do: entry.audit ? AUDITED[act] : act, places });
      setSays((was) => ({ ...was, [placeOf(entry)]: act }));
    }

    function sayMany(from, to, act) {
      // An audit counts as a look: many at once are none.
      for (let i = from; i < to; i += 1) if (!says[placeOf(entries[i])] && !entries[i].audit) say(i, act);
    }

    function columns() {
      const cards = grid.current ? Array.from(grid.current.children) : [];
      return Math.max(1, cards.filter((card) => card.offsetTop === cards[0].offsetTop).length);
    }

    function next(index) {
      for (let i = index + 1; i < entries.length; i += 1) if (!says[placeOf(entries[i])]) return i;
      // Behind the last one stands whoever is faster than what is on its way.
      return queue.end || open > 1 ? Math.min(index + 1, entries.length - 1) : entries.length;
    }

    const keys = {
      ArrowRight: () => setAt(Math.min(at + 1, entries.length - 1)),
      ArrowLeft: () => setAt(Math.max(at - 1, 0)),
      ArrowDown: () => setAt(Math.min(at + columns(), entries.length - 1)),
      ArrowUp: () => setAt(Math.max(at - columns(), 0)),
      Home: () => setAt(0),
      End: () => setAt(entries.length - 1),
      y: () => (say(at, "accept"), setAt(next(at))),
      n: () => (say(at, "reject"), setAt(next(at))),
      u: () => say(lastSaid(), null),
      i: () => setByItem(true),
      Y: () => (sayMany(0, here + 1, "accept"), setAt(next(at))),
      N: () => (sayMany(at, entries.length, "reject"), setAt(queue.end ? entries.length - 1 : entries.length)),
    };

    function lastSaid() {
      const said = entries.map((entry, i) => (says[placeOf(entry)] ? i : -1)).filter((i) => i >= 0);
      const before = said.filter((i) => i <= at);
      const found = before.length ? before[before.length - 1] : said[said.length - 1];
      if (found !== undefined) setAt(found);
      return found;
    }

    function onKeyDown(event) {
      if (event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
      event.preventDefault();
      event.nativeEvent.stopPropagation(); // Stash has keys of its own.
      keys[event.key]();
    }

    const acts = React.useRef(null);
    acts.current = { setAt, press: (i, act) => (setAt(i), say(i, act)) };
    const current = entries[at];
    const tools = h(
      "div",
      { className: "ai-tagger-tools" },
      h(Filters, { filter, queue, onChange: (some) => setFilter({ ...filter, ...some }) }),
      h(
        ButtonGroup,
        { "aria-label": t("view") },
        h(Button, { variant: "secondary", active: !byItem, "aria-pressed": !byItem, title: t("viewTags"), "aria-label": t("viewTags"), onClick: () => setByItem(false) }, h(Icon, { name: "faTh" })),
        h(Button, { variant: "secondary", active: byItem, "aria-pressed": byItem, title: t("viewItem"), "aria-label": t("viewItem"), onClick: () => setByItem(true) }, h(Icon, { name: "faFileImage" }))
      ),
      current && !byItem && h(Button, { variant: "secondary", onClick: () => sayMany(0, at + 1, "accept") }, t("acceptAbove")),
      current && !byItem && h(Button, { variant: "secondary", onClick: () => sayMany(at, entries.length, "reject") }, t("rejectRest")),
      h("span", { className: "ai-tagger-keys text-muted" }, t(byItem ? "itemKeys" : "reviewKeys"))
    );
    return h(
      "div",
      { className: "ai-tagger-page" },
      h(AITagger.PageHead, { page: "review" }),
      tools,
      h(AITagger.Looks, { tag: filter.tag }),
      problem && h("div", { className: "alert alert-warning", role: "alert" }, t("notSaved", { reason: problem.message })),
      queue.error && h("div", { role: "alert" }, h("p", null, queue.error.said ? queue.error.message : t("failed", { reason: queue.error.message })), h(Button, { onClick: () => load([], 0) }, t("tryAgain"))),
      !queue.entries && h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading")),
      queue.entries && !entries.length && !queue.error && h("p", null, t(queue.all ? "nothingFits" : "nothingWaits")),
      byItem && h(OneItem, { entries, at: here, onGo: setAt }),
      // A grid, not a list of options: its cards hold buttons.
      !byItem &&
        entries.length > 0 &&
        h(
          "div",
          { role: "grid", "aria-label": t("review"), onKeyDown },
          h(
            "div",
            { ref: grid, className: "ai-tagger-grid", role: "row" },
            entries.map((entry, i) =>
              h(Card, { key: placeOf(entry), entry, index: i, said: says[placeOf(entry)], focused: i === at, reached: i === here, acts })
            )
          )
        ),
      h("p", { className: "sr-only", role: "status" }, t("openOnes", { n: open }))
    );
  }

  Object.assign(AITagger, { Review });
})();
