/* Models: which set is used, and each of them. What has to be downloaded is said first (how much, from whom, under which
 * licence), and nothing is got before somebody agrees. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, h, t } = AITagger;
  const { React } = api;
  const { Apollo, Bootstrap } = api.libraries;
  const { Badge, Button, Form, Spinner } = Bootstrap;

  const LOGS = Apollo.gql`query AITaggerLog { logs { level message } }`;
  const OURS = "[Plugin / AI Tagger]";
  const PRESETS = ["fast", "accurate"];
  const client = () => api.utils.StashService.getClient();

  /* Stash shows a job that failed as finished; why it failed is in the log. */
  async function lastComplaint() {
    const { data } = await client().query({ query: LOGS, fetchPolicy: "no-cache" });
    const ours = (data.logs || []).find((line) => line.level === "Error" && line.message.startsWith(OURS));
    return ours ? ours.message.slice(OURS.length).trim() : t("seeLog");
  }

  /* Getting may take long, so it is a job. Throws what the log says when they aren't all here then. */
  async function get(names) {
    const description = `AI Tagger: ${t("getModel", { name: names.join(", ") })}`;
    const id = await AITagger.runTask({ args: { mode: "models", action: "fetch", names }, description });
    if (id === undefined) return false; // That it was refused is told there.
    await AITagger.untilDone(id);
    const { models } = await ask("models", {});
    if (!models.filter((one) => names.includes(one.name)).every((one) => one.installed)) throw new Error(await lastComplaint());
    return true;
  }

  const rounded = (bytes) => (bytes < 1e7 ? Math.round(bytes / 1e5) / 10 : Math.round(bytes / 1e6));
  const bytesOf = (models) => models.reduce((sum, model) => sum + model.to_get, 0);
  const each = (values) => Array.from(new Set(values));

  /* What getting these means: megabytes, hosts, licences. */
  function Costs({ models }) {
    const hosts = each(models.flatMap((model) => model.hosts));
    const bytes = bytesOf(models);
    const problem = models.map((model) => model.problem).find(Boolean);
    const size = problem ? problem : bytes ? t("downloads", { n: rounded(bytes), hosts: hosts.join(", ") }) : hosts.length ? t("downloadsSome", { hosts: hosts.join(", ") }) : t("copies");
    return h(React.Fragment, null, h("p", { className: "mb-1" }, size), h("ul", { className: "mb-2 pl-3" }, models.map((model) => h("li", { key: model.name }, `${model.title || model.name}: ${model.licence}`))));
  }

  /* What is in force of a key. */
  function said(settings, key, otherwise) {
    const row = settings.find((one) => one.key === key);
    return row ? JSON.parse(row.value) : otherwise;
  }

  /* Whether a preset that has this model would use it: not what is switched off, nor what nobody looks for. */
  const isWanted = (model, inForce) => !said(inForce, "models.skip", []).includes(model.name) && said(inForce, `features.${model.feature}`, "apply") !== "off";

  /* What looking for a feature would have to get first, with the preset in force. */
  function missingFor(feature, models, inForce) {
    const preset = said(inForce, "models.preset", "fast");
    const left = said(inForce, "models.skip", []);
    return models.filter((model) => model.feature === feature && model.presets.includes(preset) && model.bytes > 0 && !model.installed && !left.includes(model.name));
  }

  /* -------------------------------------------------------------- the preset */

  /* Another set of models: what it costs, and only then. */
  function Agree({ choice, models, inForce, current, overview, busy, onDo, onCancel }) {
    const first = React.useRef(null);
    React.useEffect(() => {
      if (first.current) first.current.focus();
    }, []);
    const chosen = models.filter((model) => model.presets.includes(choice) && isWanted(model, inForce));
    const missing = chosen.filter((model) => !model.installed);
    const fresh = chosen.filter((model) => !model.presets.includes(current));
    const looked = (overview.summary || {}).looked || 0;
    const time = overview.each_s ? t("looksAgainTime", { time: AITagger.duration(looked * overview.each_s) }) : t("looksAgainTry");
    return h(
      "div",
      { className: "ai-tagger-agree", role: "group", "aria-label": t("agreeTo", { name: t(`presetName_${choice}`) }), onKeyDown: (e) => e.key === "Escape" && onCancel() },
      missing.length > 0 ? h(Costs, { models: missing }) : h("p", { className: "mb-1" }, t("nothingToGet")),
      fresh.length > 0 && h("p", { className: "mb-1" }, looked > 0 ? `${t("looksAgain", { n: looked })} ${time}` : t("largerSlower")),
      fresh.length === 0 && looked > 0 && h("p", { className: "mb-1" }, t("looksNoMore")),
      h(Button, { ref: first, variant: "primary", className: "mr-2", "aria-disabled": busy, onClick: () => !busy && onDo(missing.map((model) => model.name)) }, busy && h(Spinner, { animation: "border", size: "sm", className: "mr-2" }), missing.length ? t("getAndChange") : t("changeOnly")),
      h(Button, { variant: "secondary", "aria-disabled": busy, onClick: () => !busy && onCancel() }, t("cancel"))
    );
  }

  function Preset({ change, holds, overview, models, inForce, again }) {
    const [choice, setChoice] = React.useState("");
    const [busy, setBusy] = React.useState(false);
    const [stands, from] = holds("modelPreset", "models.preset", (value) => value);
    const current = stands || "fast";

    async function agree(missing) {
      setBusy(true);
      try {
        // First the models, so that a failed download changes nothing.
        if (!missing.length || (await get(missing))) {
          await change({ modelPreset: choice });
          again();
          AITagger.toast.success(t("presetDone", { name: t(`presetName_${choice}`) }));
          setChoice("");
        }
      } catch (error) {
        AITagger.toast.error(error);
      }
      setBusy(false);
    }

    return h(
      Form.Group,
      { controlId: "ai-tagger-modelPreset", className: "mb-0" },
      h(Form.Label, null, t("modelPreset"), h(AITagger.Origin, { from })),
      h(
        Form.Control,
        { as: "select", className: "btn-secondary", disabled: !models || !inForce, value: choice || current, "aria-describedby": "ai-tagger-preset-help", onChange: (e) => !busy && setChoice(e.target.value === current ? "" : e.target.value) },
        PRESETS.map((name) => h("option", { key: name, value: name }, t(`preset_${name}`)))
      ),
      h(Form.Text, { id: "ai-tagger-preset-help", className: "text-muted" }, t(models || (overview && overview.usable) ? "presetHelp" : "presetNotYet")),
      choice && models && inForce && h(Agree, { key: choice, choice, models, inForce, current, overview, busy, onDo: agree, onCancel: () => setChoice("") })
    );
  }

  /* -------------------------------------------------------------- each of them */

  function Models({ models, settings, again }) {
    const [busy, setBusy] = React.useState("");
    const [asking, setAsking] = React.useState(null); // whose cost is shown, and what then: {name, label, act}

    async function during(model, act, told) {
      setBusy(model.name);
      setAsking(null);
      try {
        if ((await act()) !== false) AITagger.toast.success(t(told, { name: model.title || model.name }));
      } catch (error) {
        AITagger.toast.error(error);
      }
      setBusy("");
      again();
    }

    const named = (key) => said(settings, key, []);

    /* One of the preset is left out, any other is used beside it. */
    function turn(model) {
      const [use, skip] = [named("models.use"), named("models.skip")].map((some) => some.filter((name) => name !== model.name));
      (model.used ? skip : use).push(model.name);
      const text = (some) => some.join(", ") || "-";
      during(model, () => AITagger.writeSettings({ useModels: text(use), skipModels: text(skip) }), model.used ? "modelOff" : "modelOn");
    }

    const remove = (model) => during(model, () => ask("models", { action: "remove", names: [model.name] }), "modelRemoved");
    const fetch = (model) => during(model, () => get([model.name]), "modelHere");

    const one = (model, label, act, variant) => h(Button, { key: label, variant: variant || "secondary", size: "sm", className: "mr-1 mb-1", "aria-label": `${label}: ${model.name}`, "aria-disabled": Boolean(busy), onClick: () => !busy && act(model) }, label);
    const buttons = (model) => {
      if (busy === model.name) return h(Spinner, { animation: "border", size: "sm", role: "status" });
      if (asking && asking.name === model.name) return h("div", null, h(Costs, { models: [model] }), one(model, asking.label, asking.act, "primary"), one(model, t("cancel"), () => setAsking(null)));
      // What has no bytes comes with the plugin.
      const turnable = model.installed || (model.used && model.bytes === 0);
      return [model.bytes > 0 && (model.installed ? one(model, t("remove"), remove) : !model.within && one(model, t("get"), () => setAsking({ name: model.name, label: t("getNow"), act: fetch }))), (turnable || model.used || named("models.skip").includes(model.name)) && one(model, t(model.used ? "modelTurnOff" : "modelTurnOn"), model.used || model.installed || !model.bytes ? turn : () => setAsking({ name: model.name, label: t("useAndGet"), act: turn }))];
    };
    const row = (model) =>
      h(
        "tr",
        { key: model.name },
        h("td", null, model.title || model.name, (model.used || model.within) && h(Badge, { variant: "success", className: "ml-2" }, t("inUse"))),
        h("td", null, model.feature),
        h("td", null, model.licence),
        h("td", null, model.installed || model.within ? t("yes") : model.to_get || model.bytes ? t("megabytes", { n: rounded(model.to_get || model.bytes) }) : "–"),
        h("td", null, buttons(model))
      );
    return h("details", { className: "ai-tagger-all" }, h("summary", { className: "h5" }, t("models"), " ", h("small", { className: "text-muted" }, t("modelsUsed", { n: models.filter((model) => model.used).length }))), h(AITagger.Listing, { heads: ["modelName", "feature", "licence", "here", "change"] }, models.map(row)));
  }

  Object.assign(AITagger, { Costs, missingFor, Models, Preset });
})();
