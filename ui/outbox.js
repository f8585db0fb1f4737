/* Answers on their way: kept in the browser until the plugin has them, and sent in their order, a few at a time. Each is
 * kept under a key of its own, so that two tabs never write over each other's. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { ask, changed } = AITagger;

  const SEND_EVERY_MS = 1500;
  const AGAIN_MS = 8000;
  const SEND_AT_MOST = 50;
  const ABANDONED_MS = 60000; // so long after its last sign a tab is taken for closed
  const KEPT = "ai-tagger-answer ";

  /* A browser that keeps nothing: sending a moment later has to do. */
  function attempt(action) {
    try {
      return action();
    } catch (error) {
      return null;
    }
  }

  /* A tab stays the same one when it is loaded again. */
  function ownName() {
    const kept = attempt(() => sessionStorage.getItem("ai-tagger-tab"));
    const name = kept || Math.random().toString(36).slice(2);
    attempt(() => sessionStorage.setItem("ai-tagger-tab", name));
    return name;
  }

  const tab = ownName();
  const acts = new Map(); // place → the act that its last answer became
  let queue = []; // {key, place, at, click} is an answer, {key, place, at, act} takes one back
  let flying = []; // those of the queue that are being sent
  let made = 0;
  let timer = 0;

  const keep = (one) => attempt(() => localStorage.setItem(one.key, JSON.stringify({ ...one, touched: Date.now() })));

  function put(some) {
    made += 1;
    const at = Date.now() + made / 1e6;
    const one = { key: `${KEPT}${tab} ${at}`, at, ...some };
    queue.push(one);
    keep(one);
    soon(SEND_EVERY_MS);
  }

  function drop(some) {
    queue = queue.filter((one) => !some.includes(one));
    some.forEach((one) => attempt(() => localStorage.removeItem(one.key)));
  }

  /* What this tab left behind before it was loaded again, and what closed ones did. */
  function adopt() {
    const names = attempt(() => Object.keys(localStorage).filter((name) => name.startsWith(KEPT))) || [];
    const there = new Set(queue.map((one) => one.key));
    const found = names.filter((name) => !there.has(name)).map((name) => attempt(() => JSON.parse(localStorage.getItem(name)))).filter(Boolean);
    const left = found.filter((one) => one.key.startsWith(`${KEPT}${tab} `) || Date.now() - one.touched > ABANDONED_MS);
    queue = [...left, ...queue].sort((one, other) => one.at - other.at);
    if (queue.length) soon(0);
    if (found.length > left.length) setTimeout(adopt, ABANDONED_MS);
  }

  function soon(ms) {
    if (!timer) timer = setTimeout(send, ms);
  }

  async function send() {
    clearTimeout(timer);
    timer = 0;
    if (flying.length || !queue.length) return;
    const upTo = queue.findIndex((one) => !one.click);
    flying = queue.slice(0, upTo === 0 ? 1 : Math.min(SEND_AT_MOST, upTo < 0 ? SEND_AT_MOST : upTo));
    let problem = null;
    try {
      await (upTo === 0 ? takeBack(flying[0]) : deliver(flying));
      drop(flying);
    } catch (error) {
      problem = error;
      queue.forEach(keep); // They aren't abandoned.
    }
    flying = [];
    changed.tell("outbox", problem);
    changed.tell("review");
    if (queue.length) soon(problem ? AGAIN_MS : queue.length > SEND_AT_MOST ? 0 : SEND_EVERY_MS);
  }

  async function deliver(some) {
    const answer = await ask("answer", { clicks: some.map((one) => one.click) });
    answer.problems.forEach((text) => AITagger.toast.error(new Error(text)));
    some.forEach((one, i) => acts.set(one.place, answer.acts[i]));
    const named = queue.filter((one) => !one.click && acts.has(one.place));
    named.forEach((one) => keep(Object.assign(one, { act: acts.get(one.place) })));
  }

  async function takeBack(one) {
    if (!one.act) return;
    acts.delete(one.place);
    try {
      await ask("withdraw", { act: one.act });
    } catch (error) {
      if (!error.said) throw error; // Else somebody took it back already, which is as good.
    }
  }

  AITagger.outbox = {
    /* One click, about one place. */
    add(place, click) {
      put({ place, click });
    },

    /* What was said last of this place was never said. */
    withdraw(place) {
      const last = queue.filter((one) => one.place === place).pop();
      if (last && last.click && !flying.includes(last)) drop([last]);
      else if (last ? last.click : acts.has(place)) put({ place, act: last ? 0 : acts.get(place) });
    },

    has: (place) => queue.some((one) => one.place === place),
    send,
  };
  adopt();
})();
