/* The settings that most people change, kept where Stash keeps a plugin's settings; and what is in force, with origins. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, h, Icon, t } = AITagger;
  const { React } = api;
  const { Apollo, Bootstrap, ReactRouterDOM } = api.libraries;
  const { Badge, Button, Form, Spinner, Table } = Bootstrap;

  const READ = Apollo.gql`query AITaggerSettings { configuration { plugins } }`;
  const WRITE = Apollo.gql`
    mutation AITaggerConfigure($input: Map!) {
      configurePlugin(plugin_id: "ai_tagger", input: $input)
    }
  `;
  const LOGS = Apollo.gql`query AITaggerLog { logs { level message } }`;
  const OURS = "[Plugin / AI Tagger]";
  const client = () => api.utils.StashService.getClient();

  async function read() {
    const { data } = await client().query({ query: READ, fetchPolicy: "no-cache" });
    return (data.configuration.plugins || {}).ai_tagger || {};
  }

  /* Stash replaces all of a plugin's settings: what others changed meanwhile has to be kept. */
  async function write(changes) {
    const input = { ...(await read()), ...changes };
    await client().mutate({ mutation: WRITE, variables: { input } });
    return input;
  }

  const SKIPS = ["skipScenes", "skipImages", "skipGalleries"];
  const PERCENTS = [
    ["applyPercent", 90],
    ["reviewPercent", 70],
  ];

  const WAIT_MS = 500;

  /* Both thresholds; what others would change is said before they are saved. */
  function Thresholds({ settings, change }) {
    const stands = (name) => String(settings[name] || "");
    const [typed, setTyped] = React.useState({ applyPercent: stands("applyPercent"), reviewPercent: stands("reviewPercent") });
    const [would, setWould] = React.useState(null);
    const [saved, setSaved] = React.useState(false);
    const values = Object.fromEntries(PERCENTS.map(([name]) => [name, typed[name] === "" ? 0 : Number(typed[name])]));
    const fits = Object.values(values).every((value) => Number.isInteger(value) && value >= 0 && value <= 100);
    const isNew = PERCENTS.some(([name]) => typed[name] !== stands(name));

    React.useEffect(() => {
      let alive = true;
      setWould(null);
      if (!isNew || !fits) return undefined;
      const usual = Object.fromEntries(PERCENTS);
      const args = { apply: values.applyPercent || usual.applyPercent, review: values.reviewPercent || usual.reviewPercent };
      const timer = setTimeout(() => ask("estimate", args).then((answer) => alive && setWould(answer), () => {}), WAIT_MS);
      return () => {
        alive = false;
        clearTimeout(timer);
      };
    }, [typed.applyPercent, typed.reviewPercent, isNew]);

    async function save(event) {
      event.preventDefault();
      if (!fits) {
        AITagger.toast.error(new Error(t("percentOnly")));
        return;
      }
      await change(values);
      setSaved(true);
    }

    const field = ([name, usual]) =>
      h(
        Form.Group,
        { key: name, controlId: `ai-tagger-${name}` },
        h(Form.Label, null, t(name)),
        h(Form.Control, { type: "number", min: 1, max: 100, className: "text-input", placeholder: String(usual), value: typed[name], "aria-describedby": `ai-tagger-${name}-help`, onKeyDown: (e) => e.key === "Enter" && save(e), onChange: (e) => (setSaved(false), setTyped({ ...typed, [name]: e.target.value })) }),
        h(Form.Text, { id: `ai-tagger-${name}-help`, className: "text-muted" }, t(`${name}Help`, { usual }))
      );
    return h(
      React.Fragment,
      null,
      PERCENTS.map(field),
      h("p", { role: "status", className: would ? "" : "mb-0" }, would && `${t("wouldChange", would)} ${t(would.sampled < would.items ? "wouldSample" : "wouldAll", would)}`),
      isNew && h(Button, { variant: "primary", onClick: save }, t("save")),
      saved && !isNew && h(Exactly)
    );
  }

  /* After saving: what deciding again would do, counted; and doing it. */
  function Exactly() {
    const [count, setCount] = React.useState(null);
    async function look() {
      setCount({});
      try {
        setCount(await ask("again", { dryRun: true }));
      } catch (error) {
        setCount(null);
        AITagger.toast.error(error);
      }
    }
    const busy = count && count.added === undefined;
    return h(
      "div",
      { role: "status" },
      h("p", null, t("savedSo")),
      h(Button, { variant: "secondary", className: "mr-2", "aria-disabled": Boolean(busy), onClick: () => !busy && look() }, busy && h(Spinner, { animation: "border", size: "sm", className: "mr-2" }), t("countExactly")),
      h(Button, { variant: "secondary", onClick: () => AITagger.runTask({ task: "Decide again" }) }, t("taskAgain")),
      count && !busy && h("p", { className: "mt-2" }, t("exactly", { add: count.added, remove: count.removed, items: count.items }))
    );
  }

  function Choices({ onAgain }) {
    const [settings, setSettings] = React.useState(null);
    const [error, setError] = React.useState(null);
    React.useEffect(() => {
      read().then(setSettings, setError);
    }, []);
    const again = () => (setError(null), onAgain(), read().then(setSettings, setError));
    if (error) return h("div", { role: "alert" }, h("p", null, t("failed", { reason: error.message })), h(Button, { onClick: again }, t("tryAgain")));
    if (!settings) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));

    async function change(changes) {
      setSettings({ ...settings, ...changes }); // Shown at once; a refusal shows what stands.
      try {
        setSettings(await write(changes));
        AITagger.changed.tell("settings");
      } catch (problem) {
        AITagger.toast.error(problem);
        read().then(setSettings, setError);
      }
    }

    const id = (name) => `ai-tagger-${name}`;
    return h(
      Form,
      { className: "ai-tagger-choices", onSubmit: (event) => event.preventDefault() },
      SKIPS.map((name) =>
        h(Form.Check, { key: name, id: id(name), type: "switch", label: t(`look_${name}`), checked: !settings[name], onChange: (e) => change({ [name]: !e.target.checked }) })
      ),
      h(
        Form.Group,
        { controlId: id("people"), className: "mt-2" },
        h(Form.Label, null, t("people")),
        h(
          Form.Control,
          { as: "select", className: "btn-secondary", value: settings.people || "apply", onChange: (e) => change({ people: e.target.value }) },
          ["apply", "review", "look", "off"].map((name) => h("option", { key: name, value: name }, t(`people_${name}`)))
        ),
        h(Form.Text, { className: "text-muted" }, t("peopleSettingHelp"))
      ),
      h(Form.Check, { id: id("marks"), type: "switch", label: t("showMarks"), checked: !settings.noMarks, onChange: (e) => change({ noMarks: !e.target.checked }) }),
      h(Thresholds, { settings, change }),
      h(
        Form.Group,
        { controlId: id("modelPreset") },
        h(Form.Label, null, t("modelPreset")),
        h(
          Form.Control,
          { as: "select", className: "btn-secondary", value: settings.modelPreset || "fast", onChange: (e) => change({ modelPreset: e.target.value }) },
          ["fast", "accurate"].map((name) => h("option", { key: name, value: name }, t(`preset_${name}`)))
        )
      )
    );
  }

  /* Stash shows a job that failed as finished; why it failed is in the log. */
  async function lastComplaint() {
    const { data } = await client().query({ query: LOGS, fetchPolicy: "no-cache" });
    const ours = (data.logs || []).find((line) => line.level === "Error" && line.message.startsWith(OURS));
    return ours ? ours.message.slice(OURS.length).trim() : t("seeLog");
  }

  function Models({ models, settings, again }) {
    const [busy, setBusy] = React.useState("");
    const size = (bytes) => t("megabytes", { n: bytes < 1e7 ? Math.round(bytes / 1e5) / 10 : Math.round(bytes / 1e6) });

    /* Getting may take long, so it is a job; removing is done at once. */
    async function get(model) {
      const description = `AI Tagger: ${t("getModel", { name: model.name })}`;
      setBusy(model.name);
      try {
        await AITagger.untilDone(await AITagger.runTask({ args: { mode: "models", action: "fetch", names: [model.name] }, description }));
        const { models: now } = await ask("models", {});
        if (!now.some((one) => one.name === model.name && one.installed)) throw new Error(await lastComplaint());
        AITagger.toast.success(t("modelHere", { name: model.title || model.name }));
      } catch (error) {
        AITagger.toast.error(error);
      }
      setBusy("");
      again();
    }

    async function remove(model) {
      setBusy(model.name);
      try {
        await ask("models", { action: "remove", names: [model.name] });
        AITagger.toast.success(t("modelRemoved", { name: model.title || model.name }));
      } catch (error) {
        AITagger.toast.error(error);
      }
      setBusy("");
      again();
    }

    const named = (key) => JSON.parse((settings.find((one) => one.key === key) || { value: "[]" }).value);

    /* One of the preset is left out, any other is used beside it. */
    async function turn(model) {
      const [use, skip] = [named("models.use"), named("models.skip")].map((some) => some.filter((name) => name !== model.name));
      (model.used ? skip : use).push(model.name);
      const text = (some) => some.join(", ") || "-";
      setBusy(model.name);
      try {
        await write({ useModels: text(use), skipModels: text(skip) });
        AITagger.toast.success(t(model.used ? "modelOff" : "modelOn", { name: model.title || model.name }));
      } catch (error) {
        AITagger.toast.error(error);
      }
      setBusy("");
      again();
    }

    const button = (model) => {
      if (busy === model.name) return h(Spinner, { animation: "border", size: "sm", role: "status" });
      const one = (label, act) => h(Button, { key: label, variant: "secondary", size: "sm", className: "mr-1 mb-1", "aria-label": `${label}: ${model.name}`, "aria-disabled": Boolean(busy), onClick: () => !busy && act(model) }, label);
      // What has no bytes comes with the plugin.
      return [model.bytes > 0 && (model.installed ? one(t("remove"), remove) : one(t("get"), get)), (model.installed || model.used || named("models.skip").includes(model.name)) && one(t(model.used ? "modelTurnOff" : "modelTurnOn"), turn)];
    };
    const row = (model) =>
      h(
        "tr",
        { key: model.name },
        h("td", null, model.title || model.name, model.used && h(Badge, { variant: "success", className: "ml-2" }, t("inUse"))),
        h("td", null, model.feature),
        h("td", null, model.licence),
        h("td", null, model.installed ? t("yes") : model.bytes ? size(model.bytes) : "–"),
        h("td", null, button(model))
      );
    return h(React.Fragment, null, h("h3", { className: "h4" }, t("models")), h(Listing, { heads: ["modelName", "feature", "licence", "here", "change"] }, models.map(row)));
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

  /* What the heavy half says: asked only when it is set up, since it would set itself up otherwise. */
  function InForce() {
    const [check, error, again] = AITagger.useAnswer("check", {}, "check");
    const [listed, , listAgain] = AITagger.useAnswer("models", {}, "models");
    if (error) return h("div", { role: "alert" }, h("p", null, t("failed", { reason: error.message })), h(Button, { onClick: again }, t("tryAgain")));
    if (!check) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));
    const row = (one) => h("tr", { key: one.key }, h("td", null, h("code", null, one.key)), h("td", null, one.value), h("td", null, one.from));
    const problems = check.problems || [];
    return h(
      React.Fragment,
      null,
      problems.length > 0 && h("ul", { className: "alert alert-warning pl-4" }, problems.map((text) => h("li", { key: text }, text))),
      h(AITagger.Lists, { settings: check.settings || [], again }),
      listed && listed.models && h(Models, { models: listed.models, settings: check.settings || [], again: () => (again(), listAgain()) }),
      h("h3", { className: "h4" }, t("inForce")),
      h(Listing, { heads: ["setting", "value", "from"] }, (check.settings || []).map(row))
    );
  }

  function Settings() {
    AITagger.useChanged("language");
    const [overview, , again] = AITagger.useAnswer("overview", { limit: 1 }, "overview");
    return h(
      "div",
      { className: "ai-tagger-page" },
      h(AITagger.PageHead, { page: "settings" }),
      h("h3", { className: "h4" }, t("stepWhat")),
      h(Choices, { onAgain: again }),
      h("p", null, t("settingsWhere"), " ", h(ReactRouterDOM.Link, { to: "/settings?tab=plugins" }, t("settingsStash"))),
      h("p", null, h(Icon, { name: "faShieldAlt" }), " ", t("privacy")),
      overview && overview.usable && h(InForce)
    );
  }

  Object.assign(AITagger, { readSettings: read, writeSettings: write, Exactly, Listing });
  api.register.route("/plugins/ai_tagger/settings", Settings);
})();
