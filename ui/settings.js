/* The settings that most people change, kept where Stash keeps a plugin's settings; and what is in force, with origins. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, h, Icon, t } = AITagger;
  const { React } = api;
  const { Apollo, Bootstrap, ReactRouterDOM } = api.libraries;
  const { Badge, Button, Form, Spinner, Table } = Bootstrap;

  const READ = Apollo.gql`query AITaggerSettings { configuration { plugins } }`;
  const WRITE = Apollo.gql`
    mutation AITaggerConfigure($input: Map!) {
      configurePlugin(plugin_id: "ai_tagger", input: $input)
    }
  `;
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

  function Choices() {
    const [settings, setSettings] = React.useState(null);
    const [error, setError] = React.useState(null);
    React.useEffect(() => {
      read().then(setSettings, setError);
    }, []);
    if (error) return h("p", { role: "alert" }, t("failed", { reason: error.message }));
    if (!settings) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));

    async function change(changes) {
      setSettings({ ...settings, ...changes }); // Shown at once; a refusal shows what stands.
      try {
        setSettings(await write(changes));
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
      PERCENTS.map(([name, usual]) =>
        h(
          Form.Group,
          { key: name, controlId: id(name) },
          h(Form.Label, null, t(name)),
          h(Form.Control, {
            type: "number",
            min: 1,
            max: 100,
            className: "text-input",
            placeholder: String(usual),
            defaultValue: settings[name] || "",
            "aria-describedby": `${id(name)}-help`,
            onBlur: (e) => {
              const value = e.target.value === "" ? 0 : Math.round(Number(e.target.value));
              if (value >= 0 && value <= 100) change({ [name]: value });
              else AITagger.toast.error(new Error(t("percentOnly")));
            },
          }),
          h(Form.Text, { id: `${id(name)}-help`, className: "text-muted" }, t(`${name}Help`, { usual }))
        )
      ),
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

  function Models({ models }) {
    const size = (bytes) => t("megabytes", { n: bytes < 1e7 ? Math.round(bytes / 1e5) / 10 : Math.round(bytes / 1e6) });
    const row = (model) =>
      h(
        "tr",
        { key: model.name },
        h("td", null, model.title || model.name, model.used && h(Badge, { variant: "success", className: "ml-2" }, t("inUse"))),
        h("td", null, model.feature),
        h("td", null, model.licence),
        h("td", null, model.installed ? t("yes") : size(model.bytes))
      );
    return h(React.Fragment, null, h("h4", null, t("models")), h(Listing, { heads: ["modelName", "feature", "licence", "here"] }, models.map(row)));
  }

  function Listing({ heads, children }) {
    return h(
      "div",
      { className: "table-responsive", tabIndex: 0 },
      h(
        Table,
        { size: "sm", className: "ai-tagger-table" },
        h("thead", null, h("tr", null, heads.map((name) => h("th", { key: name, scope: "col" }, t(name))))),
        h("tbody", null, children)
      )
    );
  }

  /* What the heavy half says: asked only when it is set up, since it would set itself up otherwise. */
  function InForce() {
    const [check, error, again] = AITagger.useAnswer("check", {}, "check");
    const [listed] = AITagger.useAnswer("models", {}, "models");
    if (error) return h("div", { role: "alert" }, h("p", null, t("failed", { reason: error.message })), h(Button, { onClick: again }, t("tryAgain")));
    if (!check) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));
    const row = (one) => h("tr", { key: one.key }, h("td", null, h("code", null, one.key)), h("td", null, one.value), h("td", null, one.from));
    const problems = check.problems || [];
    return h(
      React.Fragment,
      null,
      problems.length > 0 && h("ul", { className: "alert alert-warning pl-4" }, problems.map((text) => h("li", { key: text }, text))),
      listed && listed.models && h(Models, { models: listed.models }),
      h("h4", null, t("inForce")),
      h(Listing, { heads: ["setting", "value", "from"] }, (check.settings || []).map(row))
    );
  }

  function Settings() {
    AITagger.useChanged("language");
    const [overview] = AITagger.useAnswer("overview", { limit: 1 }, "overview");
    return h(
      "div",
      { className: "ai-tagger-page" },
      h(AITagger.PageHead, { page: "settings" }),
      h("h4", null, t("stepWhat")),
      h(Choices),
      h("p", null, t("settingsWhere"), " ", h(ReactRouterDOM.Link, { to: "/settings?tab=plugins" }, t("settingsStash"))),
      h("p", null, h(Icon, { name: "faShieldAlt" }), " ", t("privacy")),
      overview && overview.usable && h(InForce)
    );
  }

  api.register.route("/plugins/ai_tagger/settings", Settings);
})();
