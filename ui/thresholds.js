/* How sure a tag has to be: what other thresholds would change is said before they are saved, and counted after. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, h, t } = AITagger;
  const { React } = api;
  const { Button, Form, Spinner } = api.libraries.Bootstrap;

  const PERCENTS = [
    ["applyPercent", "thresholds.apply", 90],
    ["reviewPercent", "thresholds.review", 70],
  ];
  const WAIT_MS = 500;

  function Thresholds({ settings, change, holds }) {
    const stands = (name) => String(settings[name] || "");
    const [typed, setTyped] = React.useState({ applyPercent: stands("applyPercent"), reviewPercent: stands("reviewPercent") });
    const [would, setWould] = React.useState(null);
    const [saved, setSaved] = React.useState(false);
    const values = Object.fromEntries(PERCENTS.map(([name]) => [name, typed[name] === "" ? 0 : Number(typed[name])]));
    const fits = Object.values(values).every((value) => Number.isInteger(value) && value >= 0 && value <= 100);
    const isNew = PERCENTS.some(([name]) => typed[name] !== stands(name));
    /* What holds when nothing is typed. */
    const otherwise = ([name, key, usual]) => {
      const [value, from] = holds(name, key, () => undefined);
      return value === undefined || from === "default" ? usual : Math.round(100 * value);
    };

    React.useEffect(() => {
      let alive = true;
      setWould(null);
      if (!isNew || !fits) return undefined;
      const [apply, review] = PERCENTS.map((row) => values[row[0]] || otherwise(row));
      const timer = setTimeout(() => ask("estimate", { apply, review }).then((answer) => alive && setWould(answer), () => {}), WAIT_MS);
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

    const field = (row) => {
      const [name, key, usual] = row;
      const [, from] = holds(name, key, Number);
      return h(
        Form.Group,
        { key: name, controlId: `ai-tagger-${name}` },
        h(Form.Label, null, t(name), h(AITagger.Origin, { from })),
        h(Form.Control, { type: "number", min: 1, max: 100, className: "text-input", placeholder: String(otherwise(row)), value: typed[name], "aria-describedby": `ai-tagger-${name}-help`, onKeyDown: (e) => e.key === "Enter" && save(e), onChange: (e) => (setSaved(false), setTyped({ ...typed, [name]: e.target.value })) }),
        h(Form.Text, { id: `ai-tagger-${name}-help`, className: "text-muted" }, t(`${name}Help`, { usual }))
      );
    };
    const back = would && would.taken_back > 0 && t("wouldTakenBack", { n: would.taken_back });
    const said = would && !would.items ? t("wouldNothing") : would && [t("wouldChange", would), back, t(would.sampled < would.items ? "wouldSample" : "wouldAll", would)].filter(Boolean).join(" ");
    return h(
      React.Fragment,
      null,
      PERCENTS.map(field),
      h("p", { role: "status", className: would ? "" : "mb-0" }, said),
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
      h(Button, { variant: "secondary", className: "mr-2 mb-2", "aria-disabled": Boolean(busy), onClick: () => !busy && look() }, busy && h(Spinner, { animation: "border", size: "sm", className: "mr-2" }), t("countExactly")),
      h(Button, { variant: "secondary", className: "mb-2", onClick: () => AITagger.runTask({ task: "Decide again" }) }, t("taskAgain")),
      count && !busy && h("p", { className: "mt-2" }, t("exactly", { add: count.added, remove: count.removed, items: count.items }))
    );
  }

  Object.assign(AITagger, { Exactly, Thresholds });
})();
