/* The settings, by what a person wants; kept where Stash keeps a plugin's settings. Each says where its value comes from:
 * set here, in config.yml, or as shipped. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, h, Icon, t } = AITagger;
  const { React } = api;
  const { Apollo, Bootstrap, ReactRouterDOM } = api.libraries;
  const { Button, Form, Spinner, Table } = Bootstrap;

  const READ = Apollo.gql`query AITaggerSettings { configuration { plugins } }`;
  const WRITE = Apollo.gql`
    mutation AITaggerConfigure($input: Map!) {
      configurePlugin(plugin_id: "ai_tagger", input: $input)
    }
  `;
  const HERE = "Stash's settings"; // as the plugin calls them
  const FILE = "config.yml";
  const client = () => api.utils.StashService.getClient();

  async function read() {
    const { data } = await client().query({ query: READ, fetchPolicy: "no-cache" });
    return (data.configuration.plugins || {}).ai_tagger || {};
  }

  /* Stash replaces all of a plugin's settings: what others changed meanwhile has to be kept. */
  async function write(changes) {
    const input = { ...(await read()), ...changes };
    await client().mutate({ mutation: WRITE, variables: { input } });
    AITagger.changed.tell("settings");
    return input;
  }

  /* Where a value comes from, in words. */
  function origin(from) {
    return from === HERE ? t("from_here") : from === "default" ? t("from_default") : t("fromWhere", { from });
  }

  function Origin({ from }) {
    return from ? h("small", { className: "text-muted ml-2" }, origin(from)) : null;
  }

  /* -------------------------------------------------------------- parts */

  function Group({ title, wide, children }) {
    return h("section", { className: `ai-tagger-setting-group card ${wide ? "wide" : ""}`, "aria-label": title }, h("h3", { className: "h5" }, title), children);
  }

  /* Rows of a table; where it is narrow they are stacked, and each cell says what it is. */
  function Listing({ heads, children }) {
    const said = (row) => React.cloneElement(row, {}, React.Children.map(row.props.children, (cell, i) => React.cloneElement(cell, { "data-head": t(heads[i]) })));
    return h(
      "div",
      { className: "table-responsive", tabIndex: 0 },
      h(
        Table,
        { size: "sm", className: "ai-tagger-table ai-tagger-stacked" },
        h("thead", null, h("tr", null, heads.map((name) => h("th", { key: name, scope: "col" }, t(name))))),
        h("tbody", null, React.Children.map(children, said))
      )
    );
  }

  const LOOKS = [
    ["skipScenes", "scope.scenes"],
    ["skipImages", "scope.images"],
    ["skipGalleries", "scope.galleries"],
  ];

  /* What holds of a key: [value, where it comes from]. What stands in Stash's settings holds at once; the rest is what the
   * plugin said last. */
  function useHolds(settings, inForce) {
    const rows = React.useMemo(() => new Map((inForce || []).map((row) => [row.key, row])), [inForce]);
    return (name, key, read) => {
      if (settings[name]) return [read(settings[name]), HERE];
      const row = rows.get(key);
      return row && row.from !== HERE ? [JSON.parse(row.value), row.from] : [undefined, rows.size ? "default" : ""];
    };
  }

  function WhatToLookAt({ settings, change, holds, inForce, models }) {
    const [wish, setWish] = React.useState(""); // for people, while its cost is shown
    const switched = ([name, key]) => {
      const [value, from] = holds(name, key, () => false);
      // Stash's settings can only add to what the file leaves out.
      const fixed = value === false && from === FILE;
      const label = h(React.Fragment, null, t(`look_${name}`), h(Origin, { from: fixed || from === HERE ? from : "" }));
      return h(Form.Check, { key: name, id: `ai-tagger-${name}`, type: "switch", label, checked: value !== false, disabled: fixed, onChange: (e) => change({ [name]: !e.target.checked }) });
    };
    const [people, from] = holds("people", "features.people", (value) => value);
    const missing = models && inForce ? AITagger.missingFor("people", models, inForce) : [];
    const choose = (mode) => ((people || "apply") === "off" && mode !== "off" && missing.length ? setWish(mode) : (setWish(""), change({ people: mode })));
    return h(
      Group,
      { title: t("stepWhat") },
      LOOKS.map(switched),
      h(
        Form.Group,
        { controlId: "ai-tagger-people", className: "mt-3" },
        h(Form.Label, null, t("people"), h(Origin, { from })),
        h(
          Form.Control,
          { as: "select", className: "btn-secondary", value: wish || people || "apply", "aria-describedby": "ai-tagger-people-help", onChange: (e) => choose(e.target.value) },
          ["apply", "review", "look", "off"].map((name) => h("option", { key: name, value: name }, t(`people_${name}`)))
        ),
        h(Form.Text, { id: "ai-tagger-people-help", className: "text-muted" }, t("peopleSettingHelp")),
        wish &&
          h(
            "div",
            { className: "ai-tagger-agree" },
            h(AITagger.Costs, { models: missing }),
            h(Button, { variant: "primary", className: "mr-2", onClick: () => (setWish(""), change({ people: wish })) }, t("useAndGet")),
            h(Button, { variant: "secondary", onClick: () => setWish("") }, t("cancel"))
          )
      )
    );
  }

  function OnPages({ settings, change }) {
    const label = h(React.Fragment, null, t("showMarks"), h(Origin, { from: settings.noMarks ? HERE : "default" }));
    return h(Group, { title: t("onPages") }, h(Form.Check, { id: "ai-tagger-marks", type: "switch", label, checked: !settings.noMarks, onChange: (e) => change({ noMarks: !e.target.checked }) }));
  }

  const KEPT = ["keep.thumbs", "keep.crops"];

  function Privacy({ inForce }) {
    const rows = (inForce || []).filter((row) => KEPT.includes(row.key));
    return h(
      Group,
      { title: t("privacyHead") },
      h("p", null, h(Icon, { name: "faShieldAlt" }), " ", t("privacy")),
      rows.length > 0 && h("ul", { className: "mb-0 pl-3" }, rows.map((row) => h("li", { key: row.key }, t(`${row.key.replace(".", "_")}_${row.value}`), h(Origin, { from: row.from }))))
    );
  }

  /* Every key, folded away: found by typing a part of it. */
  function All({ inForce, folder }) {
    const [typed, setTyped] = React.useState("");
    const wanted = typed.trim().toLowerCase();
    const shown = inForce.filter((row) => !wanted || `${row.key} ${row.value} ${origin(row.from)}`.toLowerCase().includes(wanted));
    const row = (one) => h("tr", { key: one.key }, h("td", null, h("code", null, one.key)), h("td", null, one.value), h("td", null, one.from === "default" ? h("span", { className: "text-muted" }, origin(one.from)) : origin(one.from)));
    return h(
      "details",
      { className: "ai-tagger-all" },
      h("summary", { className: "h5" }, t("inForce")),
      h("p", null, t("settingsWhere"), " ", h(ReactRouterDOM.Link, { className: "ai-tagger-link", to: "/settings?tab=plugins" }, t("settingsStash")), " ", t("settingsFile", { folder })),
      h(Form.Control, { className: "text-input mb-2", type: "search", value: typed, placeholder: t("searchSettings"), "aria-label": t("searchSettings"), onChange: (e) => setTyped(e.target.value) }),
      h("p", { role: "status", className: "text-muted" }, t("settingsN", { n: shown.length })),
      shown.length > 0 && h(Listing, { heads: ["setting", "value", "from"] }, shown.map(row))
    );
  }

  /* -------------------------------------------------------------- the page */

  /* ``asked``: only when it is set up, since the heavy half would set itself up otherwise. */
  function Choices({ overview, failure, onAgain }) {
    const usable = Boolean(overview && overview.usable);
    const [settings, setSettings] = React.useState(null);
    const [error, setError] = React.useState(null);
    const [check, problem, checkAgain] = AITagger.useAnswer("check", {}, usable ? "check" : null);
    const [listed, , listAgain] = AITagger.useAnswer("models", {}, usable ? "models" : null);
    React.useEffect(() => {
      read().then(setSettings, setError);
    }, []);
    const inForce = check && check.settings;
    const holds = useHolds(settings || {}, inForce);
    const again = () => (setError(null), onAgain(), read().then(setSettings, setError));
    const anew = () => (read().then(setSettings, setError), checkAgain(), listAgain());
    const wrong = error || failure || problem;
    if (wrong) return h("div", { role: "alert" }, h("p", null, t("failed", { reason: wrong.message })), h(Button, { onClick: error || failure ? again : checkAgain }, t("tryAgain")));
    if (!settings) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));

    async function change(changes) {
      setSettings({ ...settings, ...changes }); // Shown at once; a refusal shows what stands.
      try {
        setSettings(await write(changes));
        if (usable) checkAgain();
      } catch (refusal) {
        AITagger.toast.error(refusal);
        read().then(setSettings, setError);
      }
    }

    const problems = (check && check.problems) || [];
    const general = AITagger.ofNoList(problems);
    const shared = { settings, change, holds };
    return h(
      Form,
      { onSubmit: (event) => event.preventDefault() },
      general.length > 0 && h("ul", { className: "alert alert-warning pl-4" }, general.map((text) => h("li", { key: text }, text))),
      h(
        "div",
        { className: "ai-tagger-settings" },
        h("div", null, h(WhatToLookAt, { ...shared, inForce, models: listed && listed.models }), h(OnPages, shared)),
        h("div", null, h(Group, { title: t("howSureHead") }, h(AITagger.Thresholds, shared))),
        h("div", null, h(Group, { title: t("modelsHead") }, h(AITagger.Preset, { ...shared, overview, inForce, models: listed && listed.models, again: anew })), h(Privacy, { inForce })),
        inForce && h(Group, { title: t("listsHead"), wide: true }, h(AITagger.Lists, { settings: inForce, problems, again: anew }))
      ),
      usable && !inForce && h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading")),
      listed && listed.models && inForce && h(AITagger.Models, { models: listed.models, settings: inForce, again: anew }),
      inForce && h(All, { inForce, folder: overview.data })
    );
  }

  function Settings() {
    AITagger.useChanged("language");
    const [overview, failure, again] = AITagger.useAnswer("overview", { limit: 1 }, "overview");
    return h("div", { className: "ai-tagger-page" }, h(AITagger.PageHead, { page: "settings" }), h(Choices, { overview, failure, onAgain: again }));
  }

  Object.assign(AITagger, { readSettings: read, writeSettings: write, Listing, Origin, origin });
  api.register.route("/plugins/ai_tagger/settings", Settings);
})();
