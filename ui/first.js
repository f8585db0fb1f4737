/* A first visit: the three steps, and what trying found, so that somebody can judge it before anything is written. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, h, Icon, percent, t } = AITagger;
  const { React } = api;
  const { Badge, Button, Card, Spinner } = api.libraries.Bootstrap;
  const { Link } = api.libraries.ReactRouterDOM;

  const AT_FIRST = 16;
  const MOST_TAGS = 24;

  function Step({ n, done, title, children }) {
    return h(
      Card,
      { className: "ai-tagger-step" },
      h(
        Card.Body,
        null,
        h(Card.Title, { as: "h3", className: "h5" }, h(Badge, { variant: done ? "success" : "primary", pill: true }, done ? h(Icon, { name: "faCheck" }) : n), " ", title),
        children
      )
    );
  }

  function Steps({ overview, busy }) {
    const { TaskButton } = AITagger;
    const usable = overview.usable;
    const tried = overview.tried && JSON.parse(overview.tried);
    const tagged = (overview.runs || []).some((run) => run.operation === "tag");
    const time = tried && (tried.left_s === undefined ? tried.left : AITagger.duration(tried.left_s));
    return h(
      React.Fragment,
      null,
      h(
        "section",
        { className: "ai-tagger-steps", "aria-label": t("firstSteps") },
        h(Step, { n: 1, done: usable, title: t("stepSetUp") }, h("p", null, t("stepSetUpText")), h(TaskButton, { task: "Set up", label: t("taskSetUp"), variant: usable ? "secondary" : "primary", busy })),
        h(Step, { n: 2, done: Boolean(tried) || tagged, title: t("stepWhat") }, h("p", null, t("stepWhatText")), h(Link, { className: "btn btn-secondary", to: `${AITagger.HOME}/settings` }, t("settings"))),
        h(
          Step,
          { n: 3, done: tagged, title: t("stepTry") },
          h("p", null, tried ? t("triedText", { n: tried.tried, time }) : t("stepTryText")),
          tried && !tagged && h("p", null, t("triedJudge")),
          usable && h(TaskButton, { task: "Try it", label: t(tried ? "taskTryAgain" : "taskTry"), variant: tried ? "secondary" : "primary", busy }),
          usable && tried && h(TaskButton, { task: "Tag library", label: t("taskTag"), variant: "primary", busy })
        )
      ),
      tried && !tagged && h(Found, { tried, key: overview.tried })
    );
  }

  /* -------------------------------------------------------------- what trying found */

  const WOULD = { apply: "faCheck", review: "faQuestion" };

  function Would({ verdict, children }) {
    return h("span", { className: `ai-tagger-would ${verdict} badge` }, h(Icon, { name: WOULD[verdict] }), " ", h("span", { className: "sr-only" }, `${t(`would_${verdict}`)}: `), children);
  }

  function One({ item }) {
    const tags = ["apply", "review"].flatMap((verdict) => item[verdict].map(([tag, sure]) => h(Would, { key: verdict + tag, verdict }, `${tag} ${percent(sure)} %`)));
    return h(
      "li",
      { className: "card" },
      h(
        Link,
        { to: `/${AITagger.PATHS[item.kind]}/${item.id}`, title: item.name },
        item.picture ? h("img", { src: item.picture, alt: "" }) : h("span", { className: "ai-tagger-no-picture text-muted" }, t("noPicture")),
        h("span", { className: "ai-tagger-found-name" }, h(Icon, { name: item.kind === "scene" ? "faPlayCircle" : "faImage" }), " ", item.name)
      ),
      h("p", null, tags.length ? tags : h("span", { className: "text-muted" }, t("foundNone")))
    );
  }

  const worth = (item) => 2 * (item.apply.length > 0) + (item.review.length > 0);

  /* A grid of what was looked at: those with tags first; one tag's alone, by its button. */
  function Found({ tried }) {
    const [answer, error] = AITagger.useAnswer("tried", {}, "tried");
    const [only, setOnly] = React.useState("");
    const [all, setAll] = React.useState(false);
    if (error) return h("p", { role: "alert" }, t("failed", { reason: error.message }));
    if (!answer) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));
    const read = answer.items.filter((item) => !item.problem);
    const failed = answer.items.filter((item) => item.problem);
    const shown = read.filter((item) => !only || item.apply.some(([tag]) => tag === only)).sort((one, other) => worth(other) - worth(one));
    const tags = Object.entries(tried.tags).slice(0, MOST_TAGS);
    const filter = (tag, label) => h(Button, { key: tag, size: "sm", variant: "secondary", className: "mr-1 mb-1", active: only === tag, "aria-pressed": only === tag, onClick: () => setOnly(only === tag ? "" : tag) }, label);
    return h(
      "section",
      { className: "ai-tagger-tried", "aria-label": t("foundHead") },
      h("h3", { className: "h4" }, t("foundHead")),
      h("p", { className: "mb-2" }, h(Would, { verdict: "apply" }, t("would_apply")), " ", h(Would, { verdict: "review" }, t("would_review")), " ", h("span", { className: "text-muted" }, t("foundHelp"))),
      tags.length > 0 && h("div", { className: "mb-2", role: "group", "aria-label": t("whichTag") }, filter("", t("allTags")), tags.map(([tag, n]) => filter(tag, `${tag} ${n.toLocaleString()}`))),
      !answer.items.length && h("p", null, tags.length ? t("foundGone") : t("foundNothingAtAll")),
      read.length > 0 && !read.some((item) => item.picture) && h("p", null, t("foundNoPictures")),
      h("ul", { className: "ai-tagger-found" }, (all ? shown : shown.slice(0, AT_FIRST)).map((item) => h(One, { key: `${item.kind}-${item.id}`, item }))),
      !all && shown.length > AT_FIRST && h(Button, { variant: "secondary", className: "mt-2", onClick: () => setAll(true) }, t("showMore", { n: shown.length - AT_FIRST })),
      failed.length > 0 && h("details", { className: "mt-2" }, h("summary", null, t("foundFailed", { n: failed.length })), h("ul", { className: "mb-0" }, failed.map((item) => h("li", { key: `${item.kind}-${item.id}` }, `${item.name}: ${item.problem}`))))
    );
  }

  Object.assign(AITagger, { Steps });
})();
