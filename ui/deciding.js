/* What a person says of a tag on an item: right, wrong, something else, never; and taking that back. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, h, Icon, key, refreshStash, t } = AITagger;
  const { React } = api;
  const { Button, ButtonGroup, Dropdown, Form } = api.libraries.Bootstrap;

  const TOAST_MS = 8000;
  const WRITTEN_AFTER_MS = 2500; // what a click asks for is with Stash by then, mostly

  /* Say it to the plugin. The item's own page follows; the toast can take it back. */
  async function say(item, click, text) {
    try {
      const { acts, problems } = await ask("answer", { clicks: [click] });
      if (!acts[0]) throw new Error(problems[0]);
      follow(item);
      AITagger.toast.toast({ content: h(Undoable, { text, act: acts[0], item }), delay: TOAST_MS });
    } catch (error) {
      AITagger.toast.error(error);
    }
  }

  async function withdraw(item, act) {
    try {
      const { problems } = await ask("withdraw", { act });
      follow(item);
      if (problems[0]) throw new Error(problems[0]);
      AITagger.toast.success(t("undone"));
    } catch (error) {
      AITagger.toast.error(error);
    }
  }

  function follow(item) {
    changed.tell("item", key(item));
    changed.tell("review");
    setTimeout(refreshStash, WRITTEN_AFTER_MS);
    setTimeout(() => changed.tell("item", key(item)), WRITTEN_AFTER_MS);
  }

  function Undoable({ text, act, item }) {
    return h(
      React.Fragment,
      null,
      text,
      " ",
      h(Button, { variant: "link", className: "ai-tagger-undo p-0", onClick: (event) => {
            event.stopPropagation(); // Stash unfolds a toast that is pressed.
            withdraw(item, act);
          } }, t("undo"))
    );
  }

  /* Stash's own picker of tags where it is loaded, else a line to type in. */
  function TagPicker({ label, onDone, onCancel }) {
    const { TagSelect } = api.components;
    const [name, setName] = React.useState("");
    const submit = (event) => {
      event.preventDefault();
      if (name.trim()) onDone(name.trim());
    };
    const field = TagSelect
      ? h(TagSelect, {
          values: [],
          isMulti: false,
          creatable: true,
          autoFocus: true,
          menuPortalTarget: document.body,
          placeholder: label,
          "aria-label": label,
          onSelect: (tags) => tags[0] && onDone(tags[0].name),
        })
      : h(Form.Control, { autoFocus: true, value: name, placeholder: label, "aria-label": label, onChange: (e) => setName(e.target.value) });
    return h(
      Form,
      { className: "ai-tagger-picker", onSubmit: submit, onKeyDown: (e) => e.key === "Escape" && onCancel() },
      field,
      h(Button, { variant: "secondary", onClick: onCancel }, t("cancel"))
    );
  }

  /* The buttons beside one tag. */
  function Deciding({ item, tag }) {
    const [picking, setPicking] = React.useState(false);
    const places = [{ ...item, tag: tag.tag }];
    const yes = () => say(item, { do: "accept", places }, t("accepted", { tag: tag.tag }));
    const no = () => say(item, { do: "reject", places }, t("rejected", { tag: tag.tag }));
    const instead = (other) => {
      setPicking(false);
      say(item, { do: "instead", places, other }, t("insteadDone", { tag: tag.tag, other }));
    };
    const button = (name, icon, label, pressed, onClick) =>
      h(
        Button,
        { variant: "secondary", size: "sm", className: name, title: label, "aria-label": `${label}: ${tag.tag}`, "aria-pressed": pressed, active: pressed, onClick },
        h(Icon, { name: icon })
      );
    // The menu gives its button the focus when it closes: the picker takes it after that.
    const more = h(
      Dropdown,
      { as: ButtonGroup },
      h(Dropdown.Toggle, { variant: "secondary", size: "sm", id: `ai-tagger-more-${key(item)}-${tag.tag}`, "aria-label": `${t("more")}: ${tag.tag}`, title: t("more") }, h(Icon, { name: "faEllipsisV" })),
      h(
        Dropdown.Menu,
        { className: "bg-secondary text-white", alignRight: true },
        h(Dropdown.Item, { as: "button", className: "bg-secondary text-white", onClick: () => setTimeout(() => setPicking(true)) }, t("instead")),
        h(
          Dropdown.Item,
          { as: "button", className: "bg-secondary text-white", onClick: () => say(item, { do: "never_here", places }, t("neverHereDone", { tag: tag.tag })) },
          t("neverHere")
        ),
        h(
          Dropdown.Item,
          { as: "button", className: "bg-secondary text-white", onClick: () => say(item, { do: "never", places }, t("neverDone", { tag: tag.tag })) },
          t("neverAtAll")
        ),
        item.kind === "scene" && tag.feature !== "people" && tag.spans_s.length > 0 &&
          h(Dropdown.Item, { as: "button", className: "bg-secondary text-white", onClick: () => AITagger.markEverywhere(tag.tag) }, t("markEverywhere"))
      )
    );
    return h(
      React.Fragment,
      null,
      h(
        ButtonGroup,
        { className: "ai-tagger-decide" },
        button("ai-tagger-yes", "faCheck", t("accept"), tag.rule === "person.accepted", yes),
        button("ai-tagger-no", "faTimes", t("reject"), tag.rule === "person.refused", no),
        more
      ),
      picking && h(TagPicker, { label: t("instead"), onDone: instead, onCancel: () => setPicking(false) })
    );
  }

  /* Spans as Stash's markers, and back. */
  function Markers({ item, answer }) {
    const [busy, setBusy] = React.useState(false);
    const spans = answer.tags.some((tag) => tag.verdict === "apply" && tag.spans_s.length);
    if (item.kind !== "scene" || !(spans || answer.markers)) return null;
    async function go(mode) {
      if (busy) return;
      setBusy(true);
      try {
        const { made, taken_back: n } = await ask(mode, { items: [item] });
        AITagger.toast.success(n === undefined ? t("markersMade", { n: made }) : t("markersGone", { n }));
        changed.tell("item", key(item));
        await refreshStash();
      } catch (error) {
        AITagger.toast.error(error);
      }
      setBusy(false);
    }
    const mode = answer.markers ? "take-markers-back" : "make-markers";
    return h(
      Button,
      { variant: "secondary", className: "ai-tagger-markers mt-2", "aria-disabled": busy, onClick: () => go(mode) },
      h(Icon, { name: "faMapMarkerAlt" }),
      " ",
      t(answer.markers ? "takeMarkersBack" : "makeMarkers", { n: answer.markers })
    );
  }

  /* Below the tags of an item: what all of them missed, and markers. */
  function ItemActions({ item, answer }) {
    const [adding, setAdding] = React.useState(false);
    const [drawing, setDrawing] = React.useState(false);
    const add = (tag) => {
      setAdding(false);
      say(item, { do: "add", places: [{ ...item, tag }] }, t("addedDone", { tag }));
    };
    if (adding) return h(TagPicker, { label: t("add"), onDone: add, onCancel: () => setAdding(false) });
    if (drawing) return h(AITagger.Drawing, { item, onClose: () => setDrawing(false) });
    const button = (name, icon, label, onClick) => h(Button, { variant: "secondary", className: `ai-tagger-${name} mt-2 mr-2`, onClick }, h(Icon, { name: icon }), " ", label);
    const plus = button("add", "faPlus", t("add"), () => setAdding(true));
    const draw = item.kind !== "gallery" && button("draw", "faVectorSquare", t("drawFace"), () => setDrawing(true));
    return h(React.Fragment, null, plus, draw, h(Markers, { item, answer }));
  }

  Object.assign(AITagger, { Deciding, ItemActions, TagPicker, say });
})();
