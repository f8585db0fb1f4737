/* Answers on their way: kept in the browser until the plugin has them, and sent in their order, a few at a time. Each is
 * kept under a key of its own, by which the plugin knows one that comes twice: so it does no harm that an answer got lost,
 * or that two tabs send the same. */
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
  const SIGN = "ai-tagger-sign "; // when a tab with answers was last seen
  const FORMER = "ai-tagger-former";

  /* A browser that keeps nothing: sending a moment later has to do. */
  function attempt(action) {
    try {
      return action();
    } catch (error) {
      return null;
    }
  }

  /* A page tells its name only to the one that is loaded after it: else a tab that is duplicated would bear it, too. */
  const tab = Math.random().toString(36).slice(2);
  const former = attempt(() => sessionStorage.getItem(FORMER));
  const forget = () => attempt(() => sessionStorage.removeItem(FORMER));
  forget();
  window.addEventListener("pageshow", forget);
  window.addEventListener("pagehide", () => attempt(() => sessionStorage.setItem(FORMER, tab)));

  const delivered = new Map(); // place → the key of its last answer
  let queue = []; // {key, tab, place, at, nth, click} is an answer, with "of", its key, instead of "click" it is taken back
  let flying = []; // those of the queue that are being sent
  let made = 0;
  let timer = 0;

  const keep = (one) => attempt(() => localStorage.setItem(one.key, JSON.stringify(one)));
  const kept = (key) => attempt(() => JSON.parse(localStorage.getItem(key)));
  const isOurs = (one) => (kept(one.key) || {}).tab === tab; // no other tab took it over, or saw it off
  const sign = () => attempt(() => localStorage.setItem(`${SIGN}${tab}`, String(Date.now())));
  const signOff = (whose) => attempt(() => localStorage.removeItem(`${SIGN}${whose}`));

  function put(some) {
    made += 1;
    const one = { key: `${KEPT}${tab} ${made}`, tab, at: Date.now(), nth: made, ...some };
    queue.push(one);
    sign();
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
    const others = names.filter((name) => !there.has(name)).map(kept).filter((one) => one && (one.click || one.of));
    const isLeft = (one) => one.tab === former || Date.now() - Number(kept(`${SIGN}${one.tab}`)) > ABANDONED_MS;
    const left = others.filter(isLeft);
    left.forEach((one) => signOff(one.tab));
    if (left.length) sign();
    left.forEach((one) => keep(Object.assign(one, { tab, sent: true })));
    queue = [...left, ...queue].sort((one, other) => one.at - other.at || one.nth - other.nth);
    if (queue.length) soon(0);
    if (others.length > left.length) setTimeout(adopt, ABANDONED_MS);
  }

  function soon(ms) {
    if (!timer) timer = setTimeout(send, ms);
  }

  async function send() {
    clearTimeout(timer);
    timer = 0;
    if (flying.length) return;
    // What was taken over may have been taken back by who said it, or taken over again.
    queue = queue.filter((one) => one.key.startsWith(`${KEPT}${tab} `) || isOurs(one));
    if (!queue.length) {
      signOff(tab);
      return;
    }
    sign();
    const upTo = queue.findIndex((one) => !one.click);
    flying = queue.slice(0, upTo === 0 ? 1 : Math.min(SEND_AT_MOST, upTo < 0 ? SEND_AT_MOST : upTo));
    flying.forEach((one) => (one.sent = true));
    let problem = null;
    try {
      const { problems } = await (upTo === 0 ? ask("withdraw", { key: flying[0].of }) : deliver(flying));
      problems.forEach((text) => AITagger.toast.error(new Error(text)));
      drop(flying);
    } catch (error) {
      problem = error;
    }
    flying = [];
    changed.tell("outbox", problem);
    changed.tell("review");
    // Answers gather a while; what is taken back goes alone anyway.
    if (queue.length) soon(problem ? AGAIN_MS : queue.length > SEND_AT_MOST || !queue[0].click ? 0 : SEND_EVERY_MS);
    else signOff(tab);
  }

  async function deliver(some) {
    const answer = await ask("answer", { clicks: some.map((one) => ({ ...one.click, key: one.key })) });
    some.forEach((one) => delivered.set(one.place, one.key));
    return answer;
  }

  AITagger.outbox = {
    /* One click, about one place. */
    add(place, click) {
      put({ place, click });
    },

    /* What was said last of this place was never said. */
    withdraw(place) {
      const last = queue.filter((one) => one.place === place).pop();
      if (last && last.click && !last.sent && isOurs(last)) drop([last]);
      else if (last ? last.click : delivered.has(place)) put({ place, of: last ? last.key : delivered.get(place) });
    },

    has: (place) => queue.some((one) => one.place === place),
    send,
  };
  adopt();
})();
