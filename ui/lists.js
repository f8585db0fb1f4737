/* Tags never to write, the only ones to write, and what things are called: edited as a draft, with what it would change,
 * then kept where Stash keeps a plugin's settings; config.yml stays as its owner wrote it. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, h, Icon, t } = AITagger;
  const { React } = api;
  const { Badge, Button, Form, Spinner } = api.libraries.Bootstrap;

  const NONE = "-"; // how Stash's settings say "none" where empty means default
  const LISTS = ["blacklist", "whitelist", "markers"];
  const NAMES = "tags.names.";

  const same = (one, other) => one.toLocaleLowerCase() === other.toLocaleLowerCase();
  const has = (names, name) => names.some((one) => same(one, name));
  const tagsOf = (value) => (value === null ? [] : Array.isArray(value) ? value : [value]);
  const quoted = (name) => (/[",]/.test(name) ? `"${name.replace(/"/g, '""')}"` : name);
  const joined = (names) => names.map(quoted).join(", ");
  const several = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);

  /* A pattern such as "*plant*", as the plugin has it. */
  function fits(pattern, tag) {
    const parts = pattern.split("*").map((part) => part.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\?/g, "."));
    return new RegExp(`^${parts.join(".*")}$`, "i").test(tag);
  }

  /* What stands: each list with its origin, and each name of one's own. */
  function standing(settings) {
    const row = (key) => settings.find((one) => one.key === key) || { value: "[]", from: "" };
    const read = (value) => {
      try {
        return JSON.parse(value);
      } catch (error) {
        return [];
      }
    };
    const names = settings.filter((one) => one.key.startsWith(NAMES)).map((one) => ({ label: one.key.slice(NAMES.length), tags: tagsOf(read(one.value)), from: one.from }));
    const lists = Object.fromEntries(LISTS.map((list) => [list, read(row(`tags.${list}`).value)]));
    return { ...lists, names, from: Object.fromEntries(LISTS.map((list) => [list, row(`tags.${list}`).from])) };
  }

  /* Of these tags, those that the lists let through. */
  function allowed(draft, tags) {
    const on = (list, tag) => draft[list].some((one) => fits(one, tag));
    return tags.filter((tag) => !on("blacklist", tag) && (!draft.whitelist.length || on("whitelist", tag)));
  }

  /* The tags that a label would be written as. */
  function written(draft, entry) {
    const named = draft.names.find((one) => same(one.label, entry.label));
    return allowed(draft, named ? named.tags : [entry.tag]);
  }

  /* What the draft would change, of what models saw. What is left out now isn't among it: that only an exact count knows. */
  function difference(draft, stands, labels) {
    let add = 0;
    let remove = 0;
    labels.forEach((entry) => {
      const now = [entry.tag];
      const touched = draft.names.some((one) => same(one.label, entry.label) && !stands.names.some((was) => same(was.label, one.label) && was.tags.join() === one.tags.join()));
      const stay = touched ? written(draft, entry) : allowed(draft, now);
      add += entry.apply * stay.filter((tag) => !has(now, tag)).length;
      remove += entry.apply * now.filter((tag) => !has(stay, tag)).length;
    });
    const back = ["blacklist", "whitelist"].some((list) => stands[list].some((tag) => !has(draft[list], tag))) || (stands.whitelist.length > 0 && draft.whitelist.length > stands.whitelist.length) || stands.names.some((one) => !draft.names.some((other) => same(other.label, one.label)));
    return { add, remove, back };
  }

  /* Sentences about the entries of one list, and those about none. */
  const prefix = (list) => `tags.${list}: `;
  const doubtsOf = (problems, list) => problems.filter((said) => said.startsWith(prefix(list))).map((said) => said.slice(prefix(list).length));
  const ofNoList = (problems) => problems.filter((said) => !LISTS.some((list) => said.startsWith(prefix(list))));

  /* -------------------------------------------------------------- parts */

  function Adder({ id, label, known, placeholder, onAdd }) {
    const [typed, setTyped] = React.useState("");
    const add = () => {
      if (typed.trim()) onAdd(typed.trim());
      setTyped("");
    };
    return h(
      "div",
      { className: "ai-tagger-adder" },
      h(Form.Control, { id, className: "text-input", list: `${id}-known`, value: typed, placeholder, "aria-label": label, onChange: (e) => setTyped(e.target.value), onKeyDown: (e) => e.key === "Enter" && (e.preventDefault(), add()) }),
      h("datalist", { id: `${id}-known` }, known.map((name) => h("option", { key: name, value: name }))),
      h(Button, { variant: "secondary", "aria-label": `${t("addName")}: ${label}`, onClick: add }, t("addName"))
    );
  }

  function Names({ list, draft, from, known, doubts, onChange, children }) {
    const names = draft[list];
    const label = t(`list_${list}`);
    const remove = (name) => onChange({ [list]: names.filter((one) => one !== name) });
    return h(
      "section",
      { className: "mb-3" },
      h("h4", { className: "h6" }, label, h(AITagger.Origin, { from: names.length ? from : "" })),
      h("p", { className: "text-muted mb-1" }, t(`listHelp_${list}`)),
      h(
        "ul",
        { className: "list-inline mb-1", "aria-label": label },
        names.map((name) =>
          h("li", { key: name, className: "list-inline-item" }, h("span", { className: "tag-item badge badge-secondary" }, name, h("button", { type: "button", className: "ai-tagger-off btn btn-link p-0 ml-2", "aria-label": `${t("remove")}: ${name}`, onClick: () => remove(name) }, h(Icon, { name: "faTimes" }))))
        )
      ),
      h("div", { role: "status" }, doubts.map((said) => h("p", { key: said, className: "ai-tagger-doubt mb-1" }, h(Icon, { name: "faExclamationTriangle" }), " ", said))),
      h(Adder, { id: `ai-tagger-add-${list}`, label, known, placeholder: t("tagName"), onAdd: (name) => !has(names, name) && onChange({ [list]: [...names, name] }) }),
      children
    );
  }

  /* Label to tags: what is seen, and what it is to be called. */
  function Mapping({ draft, labels, onChange }) {
    const [label, setLabel] = React.useState("");
    const [tags, setTags] = React.useState("");
    const known = React.useMemo(() => Array.from(new Set(labels.map((entry) => entry.label))).sort(), [labels]);
    const seen = (name) => labels.filter((entry) => same(entry.label, name)).reduce((n, entry) => n + entry.apply, 0);
    const put = (name, to) => onChange({ names: [...draft.names.filter((one) => !same(one.label, name)), { label: name, tags: to, from: "" }] });

    function add() {
      const found = known.find((name) => same(name, label.trim()));
      if (!found) {
        AITagger.toast.error(new Error(t("noSuchLabel", { label: label.trim() || "…" })));
        return;
      }
      put(found, several(tags));
      setLabel("");
      setTags("");
    }

    const onEnter = (e) => e.key === "Enter" && (e.preventDefault(), add());
    const row = (one) =>
      h(
        "tr",
        { key: one.label },
        h("td", null, one.label),
        h("td", null, one.tags.length ? one.tags.map((tag) => h("span", { key: tag, className: "tag-item badge badge-secondary" }, tag)) : h("em", null, t("noTag"))),
        h("td", null, seen(one.label).toLocaleString()),
        h("td", null, one.from ? AITagger.origin(one.from) : t("notSavedYet")),
        h("td", null, one.from !== "config.yml" && h(Button, { variant: "secondary", size: "sm", "aria-label": `${t("remove")}: ${one.label}`, onClick: () => onChange({ names: draft.names.filter((other) => other !== one) }) }, t("remove")))
      );
    return h(
      "section",
      { className: "mb-3" },
      h("h4", { className: "h6" }, t("mapping")),
      h("p", { className: "text-muted mb-1" }, t("mappingHelp")),
      draft.names.length > 0 && h(AITagger.Listing, { heads: ["seenAs", "writtenAs", "itemsN", "from", "change"] }, draft.names.map(row)),
      h(
        "div",
        { className: "ai-tagger-adder" },
        h(Form.Control, { className: "text-input", list: "ai-tagger-labels", value: label, placeholder: t("seenAs"), "aria-label": t("seenAs"), onChange: (e) => setLabel(e.target.value), onKeyDown: onEnter }),
        h("datalist", { id: "ai-tagger-labels" }, known.map((name) => h("option", { key: name, value: name }))),
        h(Form.Control, { className: "text-input", value: tags, placeholder: t("writtenAsHelp"), "aria-label": t("writtenAs"), onChange: (e) => setTags(e.target.value), onKeyDown: onEnter }),
        h(Button, { variant: "secondary", "aria-label": `${t("addName")}: ${t("mapping")}`, onClick: add }, t("addName"))
      )
    );
  }

  /* -------------------------------------------------------------- all of it */

  /* ``problems``: what the plugin has to say of names that nothing answers to. */
  function Lists({ settings, problems, again }) {
    const stands = React.useMemo(() => standing(settings), [settings]);
    const [draft, setDraft] = React.useState(stands);
    const [saved, setSaved] = React.useState(false); // tags were, not only markers
    const [busy, setBusy] = React.useState(false);
    const [seen] = AITagger.useAnswer("labels", {}, "labels");
    React.useEffect(() => setDraft(stands), [stands]);
    const labels = seen ? seen.labels : [];
    const known = React.useMemo(() => Array.from(new Set(labels.map((entry) => entry.tag))).sort(), [seen]);
    const changed = JSON.stringify(draft) !== JSON.stringify(stands);
    const both = draft.blacklist.filter((name) => has(draft.whitelist, name));
    const tagsOnly = ({ blacklist, whitelist, names }) => JSON.stringify([blacklist, whitelist, names]);
    const would = seen && tagsOnly(draft) !== tagsOnly(stands) ? difference(draft, stands, labels) : null;

    function change(some) {
      setSaved(false);
      setDraft({ ...draft, ...some });
    }

    async function save() {
      if (both.length) {
        AITagger.toast.error(new Error(t("onBothLists", { tags: AITagger.listed(both) })));
        return;
      }
      setBusy(true);
      const text = (name) => (draft[name].length ? joined(draft[name]) : stands[name].length ? NONE : "");
      const ours = draft.names.filter((one) => one.from !== "config.yml");
      const names = Object.fromEntries(ours.map((one) => [one.label, one.tags.length === 0 ? null : one.tags.length === 1 ? one.tags[0] : one.tags]));
      const changes = JSON.stringify(draft.names) === JSON.stringify(stands.names) ? {} : { mapping: ours.length ? JSON.stringify(names) : "" };
      LISTS.filter((name) => JSON.stringify(draft[name]) !== JSON.stringify(stands[name])).forEach((name) => (changes[name] = text(name)));
      try {
        await AITagger.writeSettings(changes);
        setSaved(tagsOnly(draft) !== tagsOnly(stands));
        again();
      } catch (error) {
        AITagger.toast.error(error);
      }
      setBusy(false);
    }

    const markers = h(
      "p",
      { className: "mt-2 mb-0" },
      stands.markers.length > 0 && h(Button, { variant: "secondary", size: "sm", className: "mr-2", onClick: AITagger.makeMarkers }, t("makeMarkersNow")),
      h(Button, { variant: "secondary", size: "sm", onClick: AITagger.takeMarkersBack }, t("takeAllMarkersBack"))
    );
    const list = (name) => h(Names, { key: name, list: name, draft, from: stands.from[name], known, doubts: doubtsOf(problems, name), onChange: change }, name === "markers" && markers);
    return h(
      React.Fragment,
      null,
      h("div", { className: "ai-tagger-lists" }, ["blacklist", "whitelist"].map(list), seen && h(Mapping, { draft, labels, onChange: change }), list("markers")),
      h("p", { role: "status", className: would ? "" : "mb-0" }, would && `${t("listsWould", would)} ${seen.taken_back ? `${t("wouldTakenBackToo", { n: seen.taken_back })} ` : ""}${t(seen.sampled < seen.items ? "wouldSample" : "wouldStored", seen)}${would.back ? ` ${t("listsBack")}` : ""}`),
      changed && h(Button, { variant: "primary", className: "mr-2", "aria-disabled": busy, onClick: () => !busy && save() }, busy && h(Spinner, { animation: "border", size: "sm", className: "mr-2" }), t("save")),
      changed && h(Button, { variant: "secondary", onClick: () => setDraft(stands) }, t("cancel")),
      saved && !changed && h(AITagger.Exactly)
    );
  }

  Object.assign(AITagger, { Lists, joined, ofNoList });
})();
