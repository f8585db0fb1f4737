/* The page of people: groups of unknown faces as cards, to be named, joined or parted; and who is known. Two cards are
 * joined by a press, by keys, or by putting one onto the other. */
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
    const field = PerformerSelect && !name // Who has begun to type goes on in the same field.
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
    return face.picture ? h("img", { src: face.picture, alt, className: "ai-tagger-crop", draggable: false }) : h("span", { className: "ai-tagger-crop" }, t("noPicture"));
  }

  /* All faces of a group or a person, some of them to be chosen. */
  function Faces({ args, action, suggest, onAct, onClose }) {
    const [answer, error] = AITagger.useAnswer("faces", args, JSON.stringify(args));
    const [chosen, setChosen] = React.useState([]);
    const [thinking, setThinking] = React.useState(false);
    if (error) return h("p", { role: "alert" }, t("failed", { reason: error.message }));
    if (!answer) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));
    async function propose() {
      setThinking(true);
      try {
        setChosen(await suggest());
      } catch (problem) {
        AITagger.toast.error(problem);
      }
      setThinking(false);
    }
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
      suggest && h(Button, { variant: "secondary", size: "sm", className: "mr-2", "aria-disabled": thinking, onClick: () => !thinking && propose() }, thinking && h(Spinner, { animation: "border", size: "sm", className: "mr-1" }), t("suggestSplit")),
      h(Button, { variant: "secondary", size: "sm", onClick: onClose }, t("cancel"))
    );
  }

  /* -------------------------------------------------------------- cards */

  const DRAGGED = "application/x-ai-tagger-people";
  const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

  /* The card beside, above or below. */
  function neighbour(card, name) {
    const cards = Array.from(document.querySelectorAll(".ai-tagger-group-card"));
    const at = cards.indexOf(card);
    if (STEPS[name]) return cards[at + STEPS[name]];
    const own = card.getBoundingClientRect();
    const away = (other) => {
      const edges = other.getBoundingClientRect();
      return Math.abs(edges.left - own.left) + 2 * Math.abs(edges.top - own.top);
    };
    const beyond = cards.filter((other) => (name === "ArrowDown" ? other.getBoundingClientRect().top > own.top + 8 : other.getBoundingClientRect().top < own.top - 8));
    return beyond.sort((one, other) => away(one) - away(other))[0];
  }

  /* What a group and a person have in common: chosen, dragged onto another one, moved between by keys. */
  function Card({ of, label, open, chosen, keys, onJoin, children }) {
    const [over, setOver] = React.useState(false);
    const ours = (event) => Array.from(event.dataTransfer.types).includes(DRAGGED);
    function onKeyDown(event) {
      if (event.target !== event.currentTarget || event.ctrlKey || event.altKey || event.metaKey) return;
      const act = event.key.startsWith("Arrow") ? () => (neighbour(event.currentTarget, event.key) || event.currentTarget).focus() : keys[event.key.toLowerCase()];
      if (!act) return;
      event.preventDefault();
      event.nativeEvent.stopPropagation(); // Stash has keys of its own.
      act();
    }
    return h(
      "article",
      {
        className: `ai-tagger-group-card card ${chosen ? "chosen" : ""} ${over ? "over" : ""} ${open ? "open" : ""}`,
        "aria-label": label,
        tabIndex: 0,
        draggable: !open,
        onKeyDown,
        onDragStart: (event) => event.dataTransfer.setData(DRAGGED, of),
        onDragOver: (event) => ours(event) && (event.preventDefault(), setOver(true)),
        onDragLeave: () => setOver(false),
        onDrop: (event) => {
          if (!ours(event)) return;
          event.preventDefault();
          setOver(false);
          onJoin(event.dataTransfer.getData(DRAGGED), of);
        },
      },
      children
    );
  }

  function Group({ group, near, chosen, busy, onChoose, onJoin, onMerge, act }) {
    const [mode, setMode] = React.useState("");
    const what = `group:${group.id}`;
    const name = (who) => {
      setMode("");
      act("name", [what, who], true);
    };
    const ignore = () => act("ignore", [what]);
    const title = t("facesN", { n: group.size });
    const small = (label, onClick, icon) => h(Button, { variant: "secondary", size: "sm", "aria-label": `${label}: ${title}`, title: label, "aria-disabled": busy, onClick: () => !busy && onClick() }, icon ? h(Icon, { name: icon }) : label);
    const suggest = async () => (await ask("people", { action: "split", names: [what], dryRun: true })).go;
    const keys = { x: onChoose, m: onMerge, w: () => setMode("name"), s: () => setMode("split"), l: () => !busy && ignore() };
    return h(
      Card,
      { of: what, label: title, open: mode === "split", chosen, keys, onJoin },
      h("div", { className: "ai-tagger-crops" }, group.faces.map((face) => h(Crop, { key: face.face, face, alt: "" }))),
      h(
        "div",
        { className: "ai-tagger-group-foot" },
        h(Form.Check, { id: `ai-tagger-choose-${group.id}`, type: "checkbox", label: title, checked: chosen, onChange: onChoose }),
        near && h(Button, { variant: "success", size: "sm", "aria-disabled": busy, onClick: () => !busy && name(near.name) }, t("isIt", { name: near.name })),
        mode !== "name" && h(Button, { variant: "primary", size: "sm", "aria-disabled": busy, onClick: () => !busy && setMode("name") }, t("whoIsIt")),
        h(ButtonGroup, null, small(t("splitGroup"), () => setMode("split"), "faObjectUngroup"), small(t("ignoreGroup"), ignore, "faEyeSlash"))
      ),
      mode === "name" && h(Naming, { label: t("whoIsIt"), onDone: name, onCancel: () => setMode("") }),
      mode === "split" && h(Faces, { args: { group: group.id }, action: t("splitThese"), suggest, onClose: () => setMode(""), onAct: (faces) => (setMode(""), act("split", [what, ...faces.map(String)])) })
    );
  }

  function Person({ person, chosen, busy, onChoose, onJoin, onMerge, act }) {
    const [mode, setMode] = React.useState("");
    const button = (label, onClick, variant) => h(Button, { variant: variant || "secondary", size: "sm", className: "mr-2 mt-1", "aria-label": `${label}: ${person.name}`, "aria-disabled": busy, onClick: () => !busy && onClick() }, label);
    const show = () => setMode(mode === "faces" ? "" : "faces");
    const keys = { x: onChoose, m: onMerge, f: show };
    return h(
      Card,
      { of: `person:${person.name}`, label: person.name, open: mode === "faces", chosen, keys, onJoin },
      h("div", { className: "ai-tagger-crops" }, person.pictures.map((picture, i) => h(Crop, { key: i, face: { picture }, alt: "" }))),
      h(
        "div",
        { className: "p-2" },
        h(
          "div",
          { className: "d-flex flex-wrap align-items-center" },
          h(Form.Check, { id: `ai-tagger-choose-person-${person.id}`, type: "checkbox", className: "mr-1", label: h("span", { className: "sr-only" }, t("choosePerson", { name: person.name })), checked: chosen, onChange: onChoose }),
          h("strong", { className: "mr-2" }, person.performer ? h(Link, { to: `/performers/${person.performer}`, draggable: false }, person.name) : person.name),
          h(Badge, { variant: "secondary" }, t("examplesN", { n: person.examples }))
        ),
        button(t("theirFaces"), show),
        mode === "forget" ? button(t("forgetSure"), () => (setMode(""), act("forget", [person.name])), "danger") : button(t("forget"), () => setMode("forget")),
        mode === "forget" && button(t("cancel"), () => setMode("")),
        mode === "faces" && h(Faces, { args: { tag: person.name }, action: t("notThem", { name: person.name }), onClose: () => setMode(""), onAct: (faces) => (setMode(""), act("not", [person.name, ...faces.map((face) => `face:${face}`)])) })
      )
    );
  }

  /* Two known people become one only after a second look: it can't be undone. */
  function Becoming({ names, busy, onTurn, onDone, onCancel }) {
    const [one, other] = names;
    const first = React.useRef(null);
    React.useEffect(() => {
      if (first.current) first.current.focus();
    }, []);
    return h(
      "div",
      { className: "alert alert-warning", role: "alertdialog", "aria-label": t("becomesTitle"), onKeyDown: (e) => e.key === "Escape" && onCancel() },
      h("p", null, t("becomes", { one, other })),
      h(Button, { ref: first, variant: "danger", size: "sm", className: "mr-2", "aria-disabled": busy, onClick: () => !busy && onDone() }, t("becomesDo", { one, other })),
      h(Button, { variant: "secondary", size: "sm", className: "mr-2", onClick: onTurn }, t("becomesTurn")),
      h(Button, { variant: "secondary", size: "sm", onClick: onCancel }, t("cancel"))
    );
  }

  /* -------------------------------------------------------------- the page */

  function People() {
    AITagger.useChanged("language");
    usePerformerSelect(); // It is there when somebody presses "w" and types.
    const [limit, setLimit] = React.useState(AT_ONCE);
    const [answer, error, again] = AITagger.useAnswer("faces", { limit }, `faces ${limit}`);
    const [near, setNear] = React.useState({});
    const [chosen, setChosen] = React.useState([]);
    const [busy, setBusy] = React.useState(false);
    const [becoming, setBecoming] = React.useState(null); // names: the first goes over into the second

    /* Whom a group looks like takes numbers that the answer above can't do: it comes later. */
    async function suggest() {
      try {
        const { groups } = await ask("people", { action: "groups" });
        setNear(Object.fromEntries((groups || []).filter((group) => group.near).map((group) => [group.id, group.near])));
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
        setBecoming(null);
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
    const choose = (of) => setChosen(chosen.includes(of) ? chosen.filter((one) => one !== of) : [...chosen, of].slice(-2));

    /* Two cards are one person: groups are put together, a group gets the person's name, of two people one stays. */
    function join(one, other) {
      if (busy || !one || !other || one === other) return;
      const people = [one, other].filter((of) => of.startsWith("person:")).map((of) => of.slice("person:".length));
      const groups = [one, other].filter((of) => of.startsWith("group:"));
      if (people.length === 2) setBecoming(people);
      else if (people.length) act("name", [groups[0], people[0]]);
      else act("merge", groups);
    }
    const merge = () => (chosen.length === 2 ? join(...chosen) : AITagger.toast.error(new Error(t("mergeHelp"))));
    const shared = (of) => ({ busy, act, onJoin: join, onMerge: merge, chosen: chosen.includes(of), onChoose: () => choose(of) });
    const several = answer.groups.length + answer.people.length > 1;
    return page(
      h("p", { className: "text-muted" }, t("peopleHelp"), " ", h(Button, { variant: "secondary", size: "sm", onClick: () => AITagger.runTask({ task: "Learn people" }) }, t("learnPeople"))),
      several && h("p", null, h(Button, { variant: "secondary", "aria-disabled": chosen.length !== 2 || busy, onClick: merge }, h(Icon, { name: "faObjectGroup" }), " ", t("mergeTwo")), " ", h("span", { className: "text-muted" }, t("mergeHelp"))),
      several && h("p", { className: "ai-tagger-keys text-muted" }, t("peopleKeys")),
      becoming && h(Becoming, { names: becoming, busy, onTurn: () => setBecoming([becoming[1], becoming[0]]), onDone: () => act("merge", becoming), onCancel: () => setBecoming(null) }),
      h("h3", { className: "h4" }, t("unknownPeople"), " ", busy && h(Spinner, { animation: "border", size: "sm", role: "status" })),
      !answer.groups.length && h("p", null, t(answer.faces ? "noGroups" : "noFaces")),
      h("div", { className: "ai-tagger-groups" }, answer.groups.map((group) => h(Group, { key: group.id, group, near: near[group.id], ...shared(`group:${group.id}`) }))),
      answer.more > 0 && h(Button, { variant: "link", onClick: () => setLimit(limit + AT_ONCE) }, t("showMore", { n: answer.more })),
      h("h3", { className: "h4 mt-3" }, t("knownPeople")),
      !answer.people.length && h("p", null, t("nobodyKnown")),
      h("div", { className: "ai-tagger-groups" }, answer.people.map((person) => h(Person, { key: person.id, person, ...shared(`person:${person.name}`) })))
    );
  }

  Object.assign(AITagger, { Naming });
  api.register.route(`${AITagger.HOME}/people`, People);
})();
