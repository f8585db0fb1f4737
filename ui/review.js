/* The review page: what waits, one tag at a time, by keyboard or mouse. Answers show at once, are kept in the browser until
 * the plugin has them, and are sent a few at a time. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, clock, h, Icon, key, t } = AITagger;
  const { React } = api;
  const { Bootstrap, ReactRouterDOM } = api.libraries;
  const { Button, Form, Spinner } = Bootstrap;

  const AT_ONCE = 40;
  const MORE_AT = 12;
  const SEND_EVERY_MS = 1500;
  const SEND_AT_MOST = 50;
  const KEPT = "ai-tagger-answers";

  /* -------------------------------------------------------------- answers on their way */

  const outbox = {
    clicks: read(),
    acts: new Map(), // place → act, of what was sent
    sending: false,
    timer: 0,

    add(entry, act) {
      const place = placeOf(entry);
      this.clicks.push({ place, click: { do: act, places: [{ kind: entry.kind, id: entry.id, tag: entry.tag }] } });
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
      if (this.clicks.length === before && this.acts.has(place)) await ask("withdraw", { act: this.acts.get(place) });
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
    const label = `${entry.tag}, ${sure}${said ? `, ${t(said)}` : ""}`;
    const button = (say, icon) =>
      h(
        Button,
        { variant: "secondary", size: "sm", tabIndex: -1, active: said === say, "aria-pressed": said === say, title: t(say), "aria-label": `${t(say)}: ${entry.tag}`, onClick: () => onSay(said === say ? null : say) },
        h(Icon, { name: icon })
      );
    return h(
      "div",
      { ref: card, className: `ai-tagger-card card ${said || ""}`, role: "option", "aria-selected": focused, "aria-label": label, tabIndex: focused ? 0 : -1, onFocus },
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
        h("span", { title: entry.why }, h("strong", null, entry.tag), ` ${sure}`, h("br"), h(ReactRouterDOM.Link, { to: `/${PATHS[entry.kind]}/${entry.id}`, tabIndex: -1 }, t(`open_${entry.kind}`), where)),
        h("span", { className: "btn-group" }, button("accept", "faCheck"), button("reject", "faTimes"))
      )
    );
  }

  const PATHS = { scene: "scenes", image: "images", gallery: "galleries" };

  /* -------------------------------------------------------------- the page */

  function useQueue(tag) {
    const [state, setState] = React.useState({ entries: null, tags: [], all: 0 });
    const latest = React.useRef(0);
    async function load(shown) {
      const turn = ++latest.current;
      try {
        const answer = await ask("review", { tag, limit: shown.length + AT_ONCE });
        if (turn !== latest.current) return;
        const there = new Set(shown.map(placeOf));
        const fresh = answer.waiting.filter((entry) => !there.has(placeOf(entry)));
        setState({ entries: [...shown, ...fresh], tags: answer.tags, all: answer.all, end: !fresh.length });
      } catch (error) {
        if (turn === latest.current) setState((was) => ({ ...was, entries: was.entries || [], error }));
      }
    }
    React.useEffect(() => {
      setState((was) => ({ ...was, entries: null, error: null }));
      load([]);
    }, [tag]);
    return [state, load];
  }

  function Review() {
    AITagger.useChanged("language");
    const [tag, setTag] = React.useState("");
    const [queue, load] = useQueue(tag);
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
    React.useEffect(() => setAt(0), [tag]);
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
      for (let i = from; i < to; i += 1) if (!says[placeOf(entries[i])]) say(i, act);
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
      h(
        Form.Control,
        { as: "select", className: "btn-secondary w-auto", value: tag, "aria-label": t("whichTag"), onChange: (e) => setTag(e.target.value) },
        h("option", { value: "" }, `${t("allTags")} (${queue.all})`),
        queue.tags.map((one) => h("option", { key: one.tag, value: one.tag }, `${one.tag} (${one.n})`))
      ),
      current && h(Button, { variant: "secondary", onClick: () => sayMany(0, at + 1, "accept") }, t("acceptAbove")),
      current && h(Button, { variant: "secondary", onClick: () => sayMany(at, entries.length, "reject") }, t("rejectRest")),
      h("span", { className: "ai-tagger-keys text-muted" }, t("reviewKeys"))
    );
    return h(
      "div",
      { className: "ai-tagger-page" },
      h(AITagger.PageHead, { page: "review" }),
      tools,
      problem && h("div", { className: "alert alert-warning", role: "alert" }, t("notSaved", { reason: problem.message })),
      queue.error && h("div", { role: "alert" }, h("p", null, t("failed", { reason: queue.error.message })), h(Button, { onClick: () => load([]) }, t("tryAgain"))),
      !queue.entries && h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading")),
      queue.entries && !entries.length && !queue.error && h("p", null, t("nothingWaits")),
      h(
        "div",
        { ref: grid, className: "ai-tagger-grid", role: "listbox", "aria-label": t("review"), onKeyDown },
        entries.map((entry, i) =>
          h(Card, { key: placeOf(entry), entry, said: says[placeOf(entry)], focused: i === at, onFocus: () => setAt(i), onSay: (act) => (setAt(i), say(i, act)) })
        )
      ),
      h("p", { className: "sr-only", role: "status" }, t("openOnes", { n: open }))
    );
  }

  Object.assign(AITagger, { Review });
})();
