/* The review page: what waits, one tag at a time, by keyboard or mouse. Answers show at once, are kept in the browser until
 * the plugin has them, and are sent a few at a time. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, clock, h, Icon, key, t } = AITagger;
  const { React } = api;
  const { Bootstrap, ReactRouterDOM } = api.libraries;
  const { Badge, Button, ButtonGroup, Form, Spinner } = Bootstrap;

  const AT_ONCE = 40;
  const MORE_AT = 12;
  const AUDIT_EVERY = 6; // one of so many cards is of what was written already
  const SEND_EVERY_MS = 1500;
  const SEND_AT_MOST = 50;
  const KEPT = "ai-tagger-answers";
  const AUDITED = { accept: "audit_right", reject: "audit_wrong" };

  /* -------------------------------------------------------------- answers on their way */

  const outbox = {
    clicks: read(),
    acts: new Map(), // place → act, of what was sent
    sending: false,
    timer: 0,

    add(entry, act) {
      const place = placeOf(entry);
      this.clicks.push({ place, click: { do: entry.audit ? AUDITED[act] : act, places: [{ kind: entry.kind, id: entry.id, tag: entry.tag }] } });
      this.keep();
      this.soon();
    },

    /* Take one back, on its way or already there. */
    async withdraw(entry) {
      const place = placeOf(entry);
      while (this.sending) await new Promise((go) => setTimeout(go, 50));
      const before = this.clicks.length;
      this.clicks = this.clicks.filter((one) => one.place !== place);
      this.keep();
      if (this.clicks.length !== before || !this.acts.has(place)) return;
      await ask("withdraw", { act: this.acts.get(place) });
      changed.tell("review");
    },

    soon() {
      if (!this.timer) this.timer = setTimeout(() => this.send(), SEND_EVERY_MS);
    },

    async send() {
      clearTimeout(this.timer);
      this.timer = 0;
      if (this.sending || !this.clicks.length) return;
      this.sending = true;
      const some = this.clicks.slice(0, SEND_AT_MOST);
      let problem = null;
      try {
        const { acts, problems } = await ask("answer", { clicks: some.map((one) => one.click) });
        problems.forEach((text) => AITagger.toast.error(new Error(text)));
        some.forEach((one, i) => this.acts.set(one.place, acts[i]));
        this.clicks = this.clicks.filter((one) => !some.includes(one));
      } catch (error) {
        problem = error;
      }
      this.sending = false;
      this.keep();
      changed.tell("outbox", problem);
      changed.tell("review");
      if (this.clicks.length) this.timer = setTimeout(() => this.send(), problem ? 8000 : SEND_EVERY_MS);
    },

    /* What isn't sent survives a closed browser. */
    keep() {
      try {
        if (this.clicks.length) localStorage.setItem(KEPT, JSON.stringify(this.clicks));
        else localStorage.removeItem(KEPT);
      } catch (error) {
        // A browser that keeps nothing: sending a moment later has to do.
      }
    },
  };

  function read() {
    try {
      return JSON.parse(localStorage.getItem(KEPT)) || [];
    } catch (error) {
      return [];
    }
  }

  function placeOf(entry) {
    return `${key(entry)}/${entry.tag}`;
  }

  /* -------------------------------------------------------------- one card */

  function Card({ entry, said, focused, onSay, onFocus }) {
    const card = React.useRef(null);
    React.useEffect(() => {
      if (focused && card.current && document.activeElement !== card.current) card.current.focus();
    }, [focused]);
    const place = entry.evidence[0];
    const percent = (share) => `${(100 * share).toFixed(2)}%`;
    const sure = t("sure", { percent: Math.round(100 * entry.probability) });
    const where = entry.kind === "scene" && place ? ` · ${clock(place.time_s)}` : "";
    const link = `${t(`open_${entry.kind}`)}${where}`;
    const label = [!entry.picture && t("noPicture"), entry.audit && t("audit"), entry.tag, sure, link, said && t(said)].filter(Boolean).join(" ");
    const button = (say, icon) =>
      h(
        Button,
        { variant: "secondary", size: "sm", tabIndex: -1, active: said === say, "aria-pressed": said === say, title: t(say), "aria-label": `${t(say)}: ${entry.tag}`, onClick: () => onSay(said === say ? null : say) },
        h(Icon, { name: icon })
      );
    return h(
      "div",
      { ref: card, className: `ai-tagger-card card ${said || ""}`, role: "gridcell", "aria-selected": focused, "aria-label": label, tabIndex: focused ? 0 : -1, onFocus },
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
        h("span", { title: entry.why }, entry.audit && h(Badge, { variant: "info", className: "mr-1", title: t("auditHelp") }, t("audit")), h("strong", null, entry.tag), ` ${sure}`, h("br"), h(ReactRouterDOM.Link, { to: `/${PATHS[entry.kind]}/${entry.id}`, tabIndex: -1 }, link)),
        h("span", { className: "btn-group" }, button("accept", "faCheck"), button("reject", "faTimes"))
      )
    );
  }

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
    async function load(shown) {
      const turn = ++latest.current;
      try {
        const answer = await ask("review", { ...filter, limit: shown.length + AT_ONCE });
        if (turn !== latest.current) return;
        const there = new Set(shown.map(placeOf));
        const isNew = (entry) => !there.has(placeOf(entry));
        const fresh = mixed(answer.waiting.filter(isNew), answer.audits.filter(isNew));
        setState({ entries: [...shown, ...fresh], tags: answer.tags, models: answer.models, all: answer.all, end: !fresh.length });
      } catch (error) {
        if (turn === latest.current) setState((was) => ({ ...was, entries: was.entries || [], error }));
      }
    }
    React.useEffect(() => {
      setState((was) => ({ ...was, entries: null, error: null }));
      load([]);
    }, [filter]);
    return [state, load];
  }

  /* -------------------------------------------------------------- which of them */

  const SURES = [
    [90, 100],
    [80, 89],
    [70, 79],
    [0, 69],
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
      h(Form.Control, { key: "since", type: "date", className: "text-input w-auto", value: filter.since, max: new Date().toISOString().slice(0, 10), title: t("addedSince"), "aria-label": t("addedSince"), onChange: (e) => onChange({ since: e.target.value }) }),
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
    const onKeyDown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step || event.ctrlKey || event.altKey || event.metaKey || /input|select/i.test(event.target.tagName)) return;
      event.preventDefault();
      event.nativeEvent.stopPropagation();
      go(step);
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
      h("div", null, h(AITagger.ItemPanel, { key: key(current), item: { kind: current.kind, id: current.id } }))
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

    React.useEffect(() => changed.on("outbox", setProblem), []);
    React.useEffect(() => {
      outbox.send();
      return () => outbox.send();
    }, []);
    React.useEffect(() => setAt(0), [filter]);
    React.useEffect(() => {
      if (queue.entries && open < MORE_AT && !queue.end && !queue.error) load(entries);
    }, [open, queue]);

    function say(index, act) {
      const entry = entries[index];
      if (!entry || (says[placeOf(entry)] || null) === act) return;
      if (says[placeOf(entry)]) outbox.withdraw(entry).catch(setProblem);
      if (act) outbox.add(entry, act);
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
      return Math.min(index + 1, entries.length - 1);
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
      Y: () => sayMany(0, at + 1, "accept"),
      N: () => sayMany(at, entries.length, "reject"),
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
      queue.error && h("div", { role: "alert" }, h("p", null, t("failed", { reason: queue.error.message })), h(Button, { onClick: () => load([]) }, t("tryAgain"))),
      !queue.entries && h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading")),
      queue.entries && !entries.length && !queue.error && h("p", null, t("nothingWaits")),
      byItem && h(OneItem, { entries, at, onGo: setAt }),
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
              h(Card, { key: placeOf(entry), entry, said: says[placeOf(entry)], focused: i === at, onFocus: () => setAt(i), onSay: (act) => (setAt(i), say(i, act)) })
            )
          )
        ),
      h("p", { className: "sr-only", role: "status" }, t("openOnes", { n: open }))
    );
  }

  Object.assign(AITagger, { Review });
})();
