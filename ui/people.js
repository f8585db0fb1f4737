/* The page of people: groups of unknown faces as cards, to be named, joined or parted; and who is known. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, h, Icon, t } = AITagger;
  const { React } = api;
  const { Bootstrap, ReactRouterDOM } = api.libraries;
  const { Badge, Button, ButtonGroup, Form, Spinner } = Bootstrap;
  const { Link } = ReactRouterDOM;

  const AT_ONCE = 40;
  const LIKE = 0.35; // of suggestions only those that are worth a look
  const PATHS = { scene: "scenes", image: "images", gallery: "galleries" };

  /* -------------------------------------------------------------- Stash's picker of performers */

  function usePerformerSelect() {
    const [, redraw] = React.useState(0);
    const { PerformerSelect } = api.components;
    React.useEffect(() => {
      const load = (api.loadableComponents || {}).PerformerSelect;
      if (!PerformerSelect && load && api.utils.loadComponents) api.utils.loadComponents([load]).then(() => redraw((n) => n + 1), () => {});
    }, []);
    return PerformerSelect;
  }

  function Naming({ label, onDone, onCancel, focus = true }) {
    const PerformerSelect = usePerformerSelect();
    const [name, setName] = React.useState("");
    const field = PerformerSelect
      ? h(PerformerSelect, { values: [], isMulti: false, creatable: true, autoFocus: focus, menuPortalTarget: document.body, placeholder: label, "aria-label": label, onSelect: (found) => found[0] && onDone(found[0].name) })
      : h(Form.Control, { autoFocus: focus, value: name, placeholder: label, "aria-label": label, onChange: (e) => setName(e.target.value) });
    const submit = (event) => {
      event.preventDefault();
      if (name.trim()) onDone(name.trim());
    };
    return h(Form, { className: "ai-tagger-picker", onSubmit: submit, onKeyDown: (e) => e.key === "Escape" && onCancel() }, field, h(Button, { variant: "secondary", onClick: onCancel }, t("cancel")));
  }

  /* -------------------------------------------------------------- faces */

  function Crop({ face, alt }) {
    return face.picture ? h("img", { src: face.picture, alt, className: "ai-tagger-crop" }) : h("span", { className: "ai-tagger-crop" }, t("noPicture"));
  }

  /* All faces of a group or a person, some of them to be chosen. */
  function Faces({ args, action, onAct, onClose }) {
    const [answer, error] = AITagger.useAnswer("faces", args, JSON.stringify(args));
    const [chosen, setChosen] = React.useState([]);
    if (error) return h("p", { role: "alert" }, t("failed", { reason: error.message }));
    if (!answer) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));
    const toggle = (face) => setChosen(chosen.includes(face) ? chosen.filter((one) => one !== face) : [...chosen, face]);
    const one = (face, i) =>
      h(
        "li",
        { key: face.face, className: "ai-tagger-face" },
        h(
          "button",
          { type: "button", className: `btn btn-link p-0 ${chosen.includes(face.face) ? "chosen" : ""}`, "aria-pressed": chosen.includes(face.face), "aria-label": t("faceOf", { n: i + 1, of: answer.faces.length }), onClick: () => toggle(face.face) },
          h(Crop, { face, alt: "" })
        ),
        face.id && h(Link, { to: `/${PATHS[face.kind]}/${face.id}` }, t(`open_${face.kind}`))
      );
    return h(
      "div",
      null,
      h("p", { className: "text-muted mb-1" }, t("chooseFaces")),
      h("ul", { className: "ai-tagger-faces list-unstyled" }, answer.faces.map(one)),
      h(Button, { variant: "primary", size: "sm", className: "mr-2", disabled: !chosen.length, onClick: () => onAct(chosen) }, action),
      h(Button, { variant: "secondary", size: "sm", onClick: onClose }, t("cancel"))
    );
  }

  function Group({ group, near, chosen, busy, onChoose, act }) {
    const [mode, setMode] = React.useState("");
    const what = `group:${group.id}`;
    const name = (who) => {
      setMode("");
      act("name", [what, who], true);
    };
    const title = t("facesN", { n: group.size });
    const small = (label, onClick, icon) => h(Button, { variant: "secondary", size: "sm", "aria-label": `${label}: ${title}`, title: label, "aria-disabled": busy, onClick: () => !busy && onClick() }, icon ? h(Icon, { name: icon }) : label);
    return h(
      "article",
      { className: `ai-tagger-group-card card ${chosen ? "chosen" : ""} ${mode === "split" ? "open" : ""}`, "aria-label": title },
      h("div", { className: "ai-tagger-crops" }, group.faces.map((face) => h(Crop, { key: face.face, face, alt: "" }))),
      h(
        "div",
        { className: "ai-tagger-group-foot" },
        h(Form.Check, { id: `ai-tagger-choose-${group.id}`, type: "checkbox", label: title, checked: chosen, onChange: onChoose }),
        near && h(Button, { variant: "success", size: "sm", "aria-disabled": busy, onClick: () => !busy && name(near.name) }, t("isIt", { name: near.name })),
        mode !== "name" && h(Button, { variant: "primary", size: "sm", "aria-disabled": busy, onClick: () => !busy && setMode("name") }, t("whoIsIt")),
        h(ButtonGroup, null, small(t("splitGroup"), () => setMode("split"), "faObjectUngroup"), small(t("ignoreGroup"), () => act("ignore", [what]), "faEyeSlash"))
      ),
      mode === "name" && h(Naming, { label: t("whoIsIt"), onDone: name, onCancel: () => setMode("") }),
      mode === "split" && h(Faces, { args: { group: group.id }, action: t("splitThese"), onClose: () => setMode(""), onAct: (faces) => (setMode(""), act("split", [what, ...faces.map(String)])) })
    );
  }

  function Person({ person, busy, act }) {
    const [mode, setMode] = React.useState("");
    const button = (label, onClick, variant) => h(Button, { variant: variant || "secondary", size: "sm", className: "mr-2 mt-1", "aria-label": `${label}: ${person.name}`, "aria-disabled": busy, onClick: () => !busy && onClick() }, label);
    return h(
      "article",
      { className: `ai-tagger-group-card card ${mode === "faces" ? "open" : ""}`, "aria-label": person.name },
      h("div", { className: "ai-tagger-crops" }, person.pictures.map((picture, i) => h(Crop, { key: i, face: { picture }, alt: "" }))),
      h(
        "div",
        { className: "p-2" },
        h("strong", null, person.performer ? h(Link, { to: `/performers/${person.performer}` }, person.name) : person.name),
        " ",
        h(Badge, { variant: "secondary" }, t("examplesN", { n: person.examples })),
        h("br"),
        button(t("theirFaces"), () => setMode(mode === "faces" ? "" : "faces")),
        mode === "forget" ? button(t("forgetSure"), () => (setMode(""), act("forget", [person.name])), "danger") : button(t("forget"), () => setMode("forget")),
        mode === "faces" && h(Faces, { args: { tag: person.name }, action: t("notThem", { name: person.name }), onClose: () => setMode(""), onAct: (faces) => (setMode(""), act("not", [person.name, ...faces.map((face) => `face:${face}`)])) })
      )
    );
  }

  /* -------------------------------------------------------------- the page */

  function People() {
    AITagger.useChanged("language");
    const [limit, setLimit] = React.useState(AT_ONCE);
    const [answer, error, again] = AITagger.useAnswer("faces", { limit }, `faces ${limit}`);
    const [near, setNear] = React.useState({});
    const [chosen, setChosen] = React.useState([]);
    const [busy, setBusy] = React.useState(false);

    /* Whom a group looks like takes numbers that the answer above can't do: it comes later. */
    async function suggest() {
      try {
        const { groups } = await ask("people", { action: "groups" });
        setNear(Object.fromEntries((groups || []).filter((group) => group.suggestions.length && group.suggestions[0].similarity >= LIKE).map((group) => [group.id, group.suggestions[0]])));
      } catch (problem) {
        // Without suggestions then.
      }
    }
    const known = answer && answer.people.length;
    React.useEffect(() => {
      if (known && answer.groups.length) suggest();
    }, [answer]);

    async function act(action, names, create) {
      setBusy(true);
      try {
        const { lines } = await ask("people", { action, names, create: Boolean(create) });
        AITagger.toast.success(lines[lines.length - 1]);
        setChosen([]);
        AITagger.changed.tell("review");
      } catch (problem) {
        AITagger.toast.error(problem);
      }
      setBusy(false);
      again();
    }

    const page = (...children) => h("div", { className: "ai-tagger-page" }, h(AITagger.PageHead, { page: "people" }), ...children);
    if (error) return page(h("p", { role: "alert" }, t("failed", { reason: error.message })), h(Button, { onClick: again }, t("tryAgain")));
    if (!answer) return page(h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading")));
    const choose = (id) => setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id].slice(-2));
    const merge = () => act("merge", chosen.map((id) => `group:${id}`));
    return page(
      h("p", { className: "text-muted" }, t("peopleHelp"), " ", h(Button, { variant: "secondary", size: "sm", onClick: () => AITagger.runTask({ task: "Learn people" }) }, t("learnPeople"))),
      h("h3", { className: "h4" }, t("unknownPeople"), " ", busy && h(Spinner, { animation: "border", size: "sm", role: "status" })),
      !answer.groups.length && h("p", null, t(answer.faces ? "noGroups" : "noFaces")),
      answer.groups.length > 1 && h("p", null, h(Button, { variant: "secondary", disabled: chosen.length !== 2 || busy, onClick: merge }, h(Icon, { name: "faObjectGroup" }), " ", t("mergeTwo")), " ", h("span", { className: "text-muted" }, t("mergeHelp"))),
      h("div", { className: "ai-tagger-groups" }, answer.groups.map((group) => h(Group, { key: group.id, group, near: near[group.id], busy, act, chosen: chosen.includes(group.id), onChoose: () => choose(group.id) }))),
      answer.more > 0 && h(Button, { variant: "link", onClick: () => setLimit(limit + AT_ONCE) }, t("showMore", { n: answer.more })),
      h("h3", { className: "h4 mt-3" }, t("knownPeople")),
      !answer.people.length && h("p", null, t("nobodyKnown")),
      h("div", { className: "ai-tagger-groups" }, answer.people.map((person) => h(Person, { key: person.id, person, busy, act })))
    );
  }

  Object.assign(AITagger, { Naming });
  api.register.route(`${AITagger.HOME}/people`, People);
})();
