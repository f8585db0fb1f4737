/* What looks say so far: how many more settle what waits, what is promised of each tag, and what this sitting changed. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, changed, h, Icon, t } = AITagger;
  const { React } = api;
  const { Button } = api.libraries.Bootstrap;

  const SHOWN = 15;
  const share = (part) => `${AITagger.percent(part)} %`;
  const name = (row) => `${row.feature}/${row.tag}`;

  /* Tags of which this sitting knows more than its beginning, as sentences. */
  function news(before, now) {
    const was = new Map(before.tags.map((row) => [name(row), row]));
    const none = { apply: null, looked: 0 };
    const former = (row) => was.get(name(row)) || none;
    return now.tags
      .filter((row) => row.looked && (row.looked !== former(row).looked || row.apply !== former(row).apply))
      .map((row) => {
        const values = { tag: row.tag, n: row.left, right: row.right, looked: row.looked, apply: row.apply !== null && share(row.apply) };
        if (row.apply !== null && row.apply !== former(row).apply) return t("nowPromised", values);
        return t(row.left ? "nowRight" : "nowRightDone", values);
      });
  }

  const HEADS = ["tag", "looks", "rightOnes", "rightAtLeast", "promisedHead", "moreLooks"];

  function line(row) {
    const promised = row.apply === null ? null : t(row.borrowed ? "promisedBorrowed" : "promisedFrom", { percent: AITagger.percent(row.apply) });
    return h(
      "tr",
      { key: name(row) },
      h("td", null, row.tag),
      h("td", null, row.looks.toLocaleString()),
      h("td", null, row.looked ? t("someOf", { n: row.right, of: row.looked }) : null),
      h("td", null, row.looked ? share(row.at_least) : null),
      h("td", null, promised),
      h("td", null, row.left.toLocaleString())
    );
  }

  function Promises({ answer }) {
    const [all, setAll] = React.useState(false);
    const rows = all ? answer.tags : answer.tags.slice(0, SHOWN);
    return h(
      React.Fragment,
      null,
      h("p", { className: "text-muted mb-2" }, t("promiseHelp", { percent: AITagger.percent(answer.promise) }), " ", t(answer.follows ? "promiseFollows" : "promiseFree", { promise: answer.promise })),
      h(AITagger.Listing, { heads: HEADS }, rows.map(line)),
      answer.tags.length > SHOWN && h(Button, { variant: "link", className: "p-0 mb-2", onClick: () => setAll(!all) }, all ? t("showLess") : t("showMore", { n: answer.tags.length - SHOWN }))
    );
  }

  /* The finish line of the review: of one tag, or of all. */
  function Looks({ tag }) {
    const [open, setOpen] = React.useState(false);
    const [answer, , again] = AITagger.useAnswer("looks", {}, "looks");
    const first = React.useRef(null);
    React.useEffect(() => changed.on("review", again), []);
    if (!answer) return null;
    if (!first.current) first.current = answer;
    const sum = (of, part) => of.tags.filter((row) => !tag || row.tag === tag).reduce((n, row) => n + row[part], 0);
    const left = tag ? sum(answer, "left") : answer.left;
    const looked = Math.max(0, sum(answer, "looks") - sum(first.current, "looks"));
    const before = tag ? sum(first.current, "left") : first.current.left;
    const percent = before ? Math.min(100, Math.round((100 * Math.max(0, before - left)) / before)) : 100;
    const says = news(first.current, answer);
    const line = left ? t(tag ? "leftOfTag" : "leftOfAll", { n: left, tag }) : t(tag ? "tagSettled" : "allSettled", { tag });
    return h(
      "section",
      { className: "ai-tagger-looks", "aria-label": t("finishLine") },
      h("div", { className: "d-flex flex-wrap align-items-center" }, h("span", { className: "mr-3" }, h(Icon, { name: "faFlagCheckered" }), " ", line, looked > 0 && ` ${t("lookedNow", { n: looked })}`), h(Button, { variant: "link", className: "p-0", "aria-expanded": open, onClick: () => setOpen(!open) }, t(open ? "hidePromises" : "showPromises"))),
      h(AITagger.Bar, { percent, label: t("finishLine") }),
      says.length > 0 && h("p", { className: "mb-1", role: "status" }, t("thisSitting"), " ", AITagger.listed(says, 4)),
      open && h(Promises, { answer })
    );
  }

  Object.assign(AITagger, { Looks });
})();
