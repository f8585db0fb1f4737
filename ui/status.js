/* The status page: what goes on, what was done, what failed; on a first visit the three steps before. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, h, Icon, t } = AITagger;
  const { React, register } = api;
  const { Apollo, Bootstrap, ReactRouterDOM } = api.libraries;
  const { Button, Nav, Spinner } = Bootstrap;
  const { Link } = ReactRouterDOM;

  const HOME = "/plugins/ai_tagger";
  const LOOK_EVERY_MS = 3000;
  const JOB_EVERY_MS = 2000;
  const GOING_ON = ["READY", "RUNNING", "STOPPING"];
  const PATHS = { scene: "scenes", image: "images", gallery: "galleries" };

  /* -------------------------------------------------------------- Stash's jobs */

  const RUN = Apollo.gql`
    mutation AITaggerTask($task: String, $args: Map, $description: String) {
      runPluginTask(plugin_id: "ai_tagger", task_name: $task, args_map: $args, description: $description)
    }
  `;
  const QUEUE = Apollo.gql`query AITaggerQueue { jobQueue { id status description progress } }`;
  const STOP = Apollo.gql`mutation AITaggerStop($id: ID!) { stopJob(job_id: $id) }`;
  const client = () => api.utils.StashService.getClient();

  /* Its job's id in Stash's queue; nothing when it was refused, which is told here. */
  async function runTask(variables) {
    try {
      const { data } = await client().mutate({ mutation: RUN, variables });
      changed.tell("jobs");
      return data.runPluginTask;
    } catch (error) {
      AITagger.toast.error(error);
      return undefined;
    }
  }

  /* Resolves when this job isn't in Stash's queue any more. */
  async function untilDone(id) {
    let there = true;
    while (there) {
      await new Promise((go) => setTimeout(go, JOB_EVERY_MS));
      const { data } = await client().query({ query: QUEUE, fetchPolicy: "no-cache" });
      there = (data.jobQueue || []).some((job) => job.id === id && GOING_ON.includes(job.status));
    }
  }

  async function stopJob(id) {
    try {
      await client().mutate({ mutation: STOP, variables: { id } });
      changed.tell("jobs");
    } catch (error) {
      AITagger.toast.error(error);
    }
  }

  /* What stands where, asked again while somebody looks. */
  function useStanding() {
    const [state, setState] = React.useState({});
    React.useEffect(() => {
      let alive = true;
      let timer = 0;
      async function look() {
        clearTimeout(timer);
        if (document.hidden) {
          timer = setTimeout(look, 1000);
          return;
        }
        try {
          const [overview, queue] = await Promise.all([
            ask("overview", { limit: 20 }),
            client().query({ query: QUEUE, fetchPolicy: "no-cache" }),
          ]);
          const jobs = (queue.data.jobQueue || []).filter((job) => /AI Tagger|Running plugin task/.test(job.description));
          if (alive) setState({ overview, jobs });
          if (overview.summary) changed.tell("waiting", overview.summary.review);
        } catch (error) {
          if (alive) setState((was) => ({ ...was, error }));
        }
        if (alive) timer = setTimeout(look, LOOK_EVERY_MS);
      }
      look();
      const stop = changed.on("jobs", look);
      return () => {
        alive = false;
        clearTimeout(timer);
        stop();
      };
    }, []);
    return state;
  }

  /* -------------------------------------------------------------- parts */

  function PageHead({ page }) {
    const entry = (name, path) =>
      h(Nav.Item, { key: name }, h(Link, { className: `nav-link ${page === name ? "active" : ""}`, to: path, "aria-current": page === name ? "page" : undefined }, t(name)));
    return h(
      React.Fragment,
      null,
      h("h2", null, t("name")),
      h(Nav, { variant: "tabs", className: "mb-3" }, entry("status", HOME), entry("review", `${HOME}/review`), entry("people", `${HOME}/people`), entry("settings", `${HOME}/settings`))
    );
  }

  function TaskButton({ task, label, variant, busy }) {
    async function go() {
      const id = await runTask({ task });
      if (id === undefined) return;
      changed.tell("task", { label });
      try {
        await untilDone(id);
        changed.tell("task", { label, done: true });
      } catch (error) {
        changed.tell("task", null); // Nobody knows how it goes on; the page says that Stash gives no answer.
      }
    }
    return h(Button, { variant: variant || "secondary", className: "mr-2 mb-2", "aria-disabled": Boolean(busy), onClick: () => !busy && go() }, label);
  }

  /* What became of the button that was pressed last: Stash shows what a task says only in its log. */
  function Told() {
    const [told, setTold] = React.useState(null);
    React.useEffect(() => changed.on("task", setTold), []);
    if (!told) return h("p", { role: "status", className: "mb-0" });
    const text = t(told.done ? "taskDone" : "taskStarted", { task: told.label });
    return h("p", { role: "status" }, h(Icon, { name: told.done ? "faCheck" : "faHourglassHalf" }), " ", text, " ", h(Link, { className: "ai-tagger-link", to: "/settings?tab=logs" }, t("taskLog")));
  }

  /* Seconds as a person says them. */
  function duration(seconds) {
    if (seconds < 90) return t("time_s", { n: Math.round(seconds) });
    if (seconds < 90 * 60) return t("time_min", { n: Math.round(seconds / 60) });
    if (seconds < 48 * 3600) return t("time_h", { n: Math.round(seconds / 360) / 10 });
    return t("time_d", { n: Math.round(seconds / 86400) });
  }

  /* How far a run is, how fast, how long yet. */
  function pace(going) {
    const parts = [t(going.total ? "doneOf" : "doneSoFar", going)];
    if (going.a_second) parts.push(going.a_second < 1 ? t("aMinute", { n: Math.round(600 * going.a_second) / 10 }) : t("aSecond", { n: Math.round(10 * going.a_second) / 10 }));
    if (going.left_s) parts.push(t("timeLeft", { time: duration(going.left_s) }));
    return parts.join(" · ");
  }

  const GOES_ON = { tag: "Tag library", new: "Tag new media" };

  function Interrupted({ going }) {
    return h(
      "section",
      { className: "ai-tagger-agree mb-3", "aria-label": t("interruptedHead") },
      h("p", { className: "mb-2" }, t(going.total ? "interrupted" : "interruptedSomewhere", going)),
      h(TaskButton, { task: GOES_ON[going.operation], label: t("goOn"), variant: "primary" })
    );
  }

  function Jobs({ overview, jobs }) {
    const { going, working } = overview;
    if (!jobs.length && !working) return going ? h(Interrupted, { going }) : null;
    const alone = working && !jobs.length; // A terminal's, or a worker's.
    return h(
      "section",
      { className: "mb-3", "aria-label": t("goesOn") },
      working && h("p", { className: "mb-1" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("working", { what: working.purpose }), working && going && h("span", { className: "text-muted" }, ` · ${pace(going)}`)),
      !working && going && h("p", { className: "mb-1" }, t("goesOnAfter", going)),
      alone && going && going.total > 0 && h(AITagger.Bar, { percent: (100 * going.done) / going.total, moving: true, label: working.purpose }),
      jobs.map((job) =>
        h("div", { key: job.id, className: "mb-2" }, h("span", null, job.description), " ", h(Button, { variant: "link", className: "p-0", "aria-label": `${t("stop")}: ${job.description}`, onClick: () => stopJob(job.id) }, t("stop")), h(AITagger.Bar, { percent: Math.max(0, 100 * (job.progress || 0)), moving: job.status === "RUNNING", label: job.description }))
      )
    );
  }

  /* Many of our tags are missing, and only a person knows why. */
  function Question({ question, busy }) {
    const answer = (action) => !busy && runTask({ args: { mode: "happened", action }, description: `AI Tagger: ${t("happened")}` });
    const button = (action, text) => h(Button, { variant: "secondary", size: "sm", className: "mr-2 mt-2", "aria-disabled": busy, onClick: () => answer(action) }, text);
    return h(
      "section",
      { className: "alert alert-warning", role: "alert", "aria-label": t("happened") },
      h("div", null, t(question.restored ? "happenedRestored" : "happenedText", { n: question.missed, tags: question.tags.join(", ") })),
      button("lost", t("happenedLost")),
      button("removed", t("happenedRemoved"))
    );
  }

  const NUMBERS = ["looked", "ours", "review", "failed", "waiting"];

  /* Nobody waits: nothing to say. */
  const worthSaying = (summary) => NUMBERS.filter((name) => name !== "waiting" || summary.waiting > 0);

  function Numbers({ summary }) {
    return h(
      "dl",
      { className: "ai-tagger-numbers" },
      worthSaying(summary).map((name) => h("div", { key: name, className: "card" }, h("dt", null, name === "review" ? h(Link, { to: `${HOME}/review` }, t("number_review")) : t(`number_${name}`)), h("dd", null, summary[name].toLocaleString())))
    );
  }

  /* Lists of Stash with what was tagged: by the tag that marks it, else by the tags below ours. */
  function Tagged() {
    const [tag, setTag] = React.useState(null);
    React.useEffect(() => {
      findOurTag().then(setTag, () => {});
    }, []);
    if (!tag) return null;
    const value = { items: [{ id: tag.id, label: tag.name }], excluded: [], depth: -1 };
    const criterion = JSON.stringify({ type: "tags", value, modifier: "INCLUDES" }).replace(/("(?:[^"\\]|\\.)*")|([{}])/g, (whole, text, brace) => text || (brace === "{" ? "(" : ")"));
    const link = (kind) => h(Link, { key: kind, className: "mr-3", to: `/${PATHS[kind]}?c=${encodeURIComponent(criterion)}` }, t(`tagged_${kind}`));
    return h("p", null, h(Icon, { name: "faTag" }), " ", t("taggedByAI"), " ", ["scene", "image", "gallery"].map(link));
  }

  const FIND = Apollo.gql`
    query AITaggerTag($name: String!) {
      findTags(tag_filter: { name: { value: $name, modifier: EQUALS } }) { tags { id name } }
    }
  `;

  async function findOurTag() {
    const settings = await AITagger.readSettings();
    const name = settings.markApplied || settings.parentTag || "AI Tagger";
    const { data } = await client().query({ query: FIND, variables: { name }, fetchPolicy: "no-cache" });
    return data.findTags.tags[0];
  }

  function Runs({ runs, busy, working }) {
    const [sure, setSure] = React.useState(0); // the run of which undoing was pressed once
    const shown = runs.filter((run) => run.counts.added || run.counts.removed || run.operation === "tag" || run.state === "running");
    if (!shown.length) return null;
    const when = (at) => (at ? new Date(at).toLocaleString() : "");
    return h(
      "section",
      null,
      h("h3", { className: "h4" }, t("runs")),
      h(
        AITagger.Listing,
        { heads: ["run", "started", "state", "lookedAtN", "addedN", "reviewN", "failedN", "undo"] },
        shown.map((run) =>
          h(
            "tr",
            { key: run.id },
            h("td", null, `${run.id} · ${t(`operation_${run.operation}`)}${run.operation === "people" && run.what !== "people" ? ` (${run.what})` : ""}`),
            h("td", null, when(run.started_at)),
            h("td", { title: run.message }, t(`state_${run.state === "running" && !working ? "interrupted" : run.state}`)),
            ["looked", "added", "review", "failed"].map((name) => h("td", { key: name }, (run.counts[name] || 0).toLocaleString())),
            h(
              "td",
              null,
              run.counts.added > 0 && run.state !== "undone" && sure !== run.id &&
                h(Button, { key: "undo", variant: "secondary", size: "sm", "aria-label": `${t("undo")}: ${run.id}`, "aria-disabled": busy, onClick: () => !busy && setSure(run.id) }, t("undo")),
              sure === run.id && run.state !== "undone" &&
                h(
                  Button,
                  {
                    key: "sure",
                    autoFocus: true,
                    variant: "danger",
                    size: "sm",
                    "aria-disabled": busy,
                    onBlur: () => setSure(0),
                    onKeyDown: (e) => e.key === "Escape" && setSure(0),
                    onClick: () => !busy && (setSure(0), runTask({ args: { mode: "undo", run: String(run.id) }, description: `AI Tagger: ${t("undo")} ${run.id}` })),
                  },
                  t("undoSure", { n: run.counts.added, run: run.id })
                )
            )
          )
        )
      )
    );
  }

  function Failures({ failures }) {
    if (!failures.length) return null;
    const items = failures.map(({ kind, id }) => ({ kind, id }));
    return h(
      "section",
      null,
      h("h3", { className: "h4" }, t("failures"), " ", h(Button, { variant: "secondary", size: "sm", onClick: () => AITagger.tagThese(items) }, t("tryAgain"))),
      h(
        "ul",
        { className: "list-unstyled" },
        failures.map((failure) =>
          h("li", { key: `${failure.kind}-${failure.id}` }, h(Link, { to: `/${PATHS[failure.kind]}/${failure.id}` }, failure.path.split(/[\\/]/).pop() || failure.id), ` — ${failure.reason}`)
        )
      )
    );
  }

  function Status() {
    AITagger.useChanged("language");
    const { overview, jobs, error } = useStanding();
    const page = (...children) => h("div", { className: "ai-tagger-page" }, h(PageHead, { page: "status" }), ...children);
    if (!overview) {
      return page(error ? h("p", { role: "alert" }, t("failed", { reason: error.message })) : h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading")));
    }
    const tagged = (overview.runs || []).some((run) => run.operation === "tag");
    const busy = jobs.length > 0;
    return page(
      error && h("p", { key: "error", className: "alert alert-warning", role: "alert" }, t("failed", { reason: error.message })),
      overview.question && h(Question, { key: "question", question: overview.question, busy }),
      h(Told, { key: "told" }),
      h(Jobs, { key: "jobs", overview, jobs }),
      !(tagged && overview.usable) && h(AITagger.Steps, { key: "steps", overview, busy }),
      tagged && overview.usable &&
        h(
          "p",
          { key: "tasks" },
          h(TaskButton, { task: "Tag library", label: t("taskTag"), variant: "primary", busy }),
          h(TaskButton, { task: "Tag new media", label: t("taskNew"), busy }),
          h(TaskButton, { task: "Check", label: t("taskCheck"), busy })
        ),
      overview.summary && overview.summary.items > 0 && h(Numbers, { key: "numbers", summary: overview.summary }),
      h(Tagged, { key: "tagged" }),
      overview.runs && h(Runs, { key: "runs", runs: overview.runs, busy, working: Boolean(overview.working) }),
      overview.failures && h(Failures, { key: "failures", failures: overview.failures })
    );
  }

  /* -------------------------------------------------------------- where they are */

  Object.assign(AITagger, { duration, HOME, PageHead, PATHS, runTask, TaskButton, untilDone });
  register.route(`${HOME}/review`, () => h(AITagger.Review));
  // Stash gives a path to all whose beginning fits: what is nobody's page is the status.
  const OTHERS = new RegExp(`^${HOME}/(review|people|settings)/*$`);
  register.route(HOME, ReactRouterDOM.withRouter(({ location }) => (OTHERS.test(location.pathname) ? null : h(Status))));
})();
