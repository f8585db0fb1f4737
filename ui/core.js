/* What all our pages stand on: asking the plugin, texts, icons, toasts, and one line in the console when Stash lacks
 * something. Everything of ours hangs on window.AITagger; everything of Stash's comes from PluginApi. */
(function () {
  "use strict";

  const AITagger = (window.AITagger = window.AITagger || { texts: { en: {} } });
  const api = window.PluginApi;
  if (!api || !api.React || !api.libraries || !api.patch) {
    console.warn("AI Tagger: this Stash has no PluginApi for pages (0.28 or newer has); its tasks work all the same.");
    AITagger.missing = true;
    return;
  }
  const { React } = api;
  const { Apollo, FontAwesomeSolid, ReactFontAwesome } = api.libraries;
  const told = new Set();

  /* Say once what this Stash lacks; the rest keeps working. */
  function lacks(what) {
    if (told.has(what)) return;
    told.add(what);
    console.warn(`AI Tagger: this Stash has no ${what}; what needs it is left out.`);
  }

  function client() {
    return api.utils.StashService.getClient();
  }

  const OPERATION = Apollo.gql`
    mutation AITaggerOperation($args: Map!) {
      runPluginOperation(plugin_id: "ai_tagger", args: $args)
    }
  `;

  /* Ask the plugin; the answer, or an Error with a sentence for the person ("said": the plugin's own). */
  async function ask(mode, args) {
    let answer;
    try {
      const variables = { args: { ...args, mode } };
      const { data } = await client().mutate({ mutation: OPERATION, variables, fetchPolicy: "no-cache" });
      answer = data && data.runPluginOperation;
    } catch (error) {
      throw new Error(t("noAnswer", { reason: (error && error.message) || String(error) }));
    }
    if (!answer) throw new Error(t("noAnswer", { reason: "—" }));
    if (answer.problem && Object.keys(answer).length === 1) throw Object.assign(new Error(answer.problem), { said: true });
    return answer;
  }

  /* -------------------------------------------------------------- texts */

  let language = "en";

  async function findLanguage() {
    const query = Apollo.gql`query AITaggerLanguage { configuration { interface { language } } }`;
    try {
      const { data } = await client().query({ query, fetchPolicy: "no-cache" });
      const found = ((data.configuration.interface.language || "en").split("-")[0] || "en").toLowerCase();
      if (AITagger.texts[found]) language = found;
    } catch (error) {
      // English then; whoever can't be asked for this can't be asked for more.
    }
    changed.tell("language");
  }

  /* A text by its key. "one | more" is chosen by values.n. */
  function t(key, values) {
    const text = AITagger.texts[language][key] || AITagger.texts.en[key] || key;
    const [one, more] = text.split(" | ");
    const chosen = more !== undefined && values && values.n !== 1 ? more : one;
    return chosen.replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values && values[name];
      return value === undefined ? whole : typeof value === "number" ? value.toLocaleString(language) : value;
    });
  }

  /* -------------------------------------------------------------- small things that every page needs */

  /* Who wants to know that something is different now: changed.on(name, heard) → how to stop. */
  const changed = {
    heard: new Map(),
    on(name, listener) {
      const all = this.heard.get(name) || new Set();
      this.heard.set(name, all.add(listener));
      return () => all.delete(listener);
    },
    tell(name, detail) {
      (this.heard.get(name) || new Set()).forEach((listener) => listener(detail));
    },
  };

  /* The state of one question to the plugin: [answer, error, again]. Asked anew when the key changes. */
  function useAnswer(mode, args, key) {
    const [state, setState] = React.useState({});
    const [turn, setTurn] = React.useState(0);
    React.useEffect(() => {
      if (key === null) return undefined;
      let alive = true;
      ask(mode, args).then(
        (answer) => alive && setState({ answer, key }),
        (error) => alive && setState({ error, key })
      );
      return () => {
        alive = false;
      };
    }, [mode, key, turn]);
    const current = state.key === key ? state : {};
    return [current.answer, current.error, () => setTurn((n) => n + 1)];
  }

  /* Draw again whenever this is told. */
  function useChanged(name) {
    const [, redraw] = React.useState(0);
    React.useEffect(() => changed.on(name, () => redraw((n) => n + 1)), [name]);
  }

  function Icon({ name, spin }) {
    const icon = FontAwesomeSolid[name] || FontAwesomeSolid.faTag;
    return React.createElement(ReactFontAwesome.FontAwesomeIcon, { icon, spin, "aria-hidden": true });
  }

  /* Bootstrap's own puts the label where no role is. */
  function Bar({ percent, label, moving }) {
    const bar = { className: `progress-bar ${moving ? "progress-bar-striped progress-bar-animated" : ""}`, role: "progressbar", style: { width: `${percent}%` } };
    const value = { "aria-label": label, "aria-valuenow": Math.round(percent), "aria-valuemin": 0, "aria-valuemax": 100 };
    return React.createElement("div", { className: "progress" }, React.createElement("div", { ...bar, ...value }));
  }

  /* Seconds as a player shows them. */
  function clock(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const two = (n) => String(n).padStart(2, "0");
    return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  }

  /* Whole percents, rounded down: what waits below 90 % never shows 90 %. */
  function percent(share) {
    return Math.floor(100 * share + 1e-6);
  }

  /* Names as a sentence says them. */
  function listed(names, most) {
    const shown = names.slice(0, most || 6);
    const rest = names.length - shown.length;
    return shown.join(", ") + (rest > 0 ? ` … (+${rest})` : "");
  }

  const LISTS = ["FindScene", "FindScenes", "FindImage", "FindImages", "FindGallery", "FindGalleries", "FindSceneMarkerTags"];

  /* Let Stash's own page show what we changed, without a reload. */
  async function refreshStash() {
    const active = Array.from(client().getObservableQueries().values());
    const names = active.map((query) => query.queryName).filter((name) => LISTS.includes(name));
    if (names.length) await client().refetchQueries({ include: Array.from(new Set(names)) });
  }

  Object.assign(AITagger, {
    api,
    ask,
    Bar,
    changed,
    clock,
    h: React.createElement,
    Icon,
    lacks,
    listed,
    percent,
    refreshStash,
    t,
    useAnswer,
    useChanged,
    toast: { success() {}, error() {} },
  });
  findLanguage();
})();
