/* A face that was missed: a box is drawn on the picture, or on a frame of the scene, by pointer or by keys; then who it is.
 * Pictures stay inside the page: those kept come in answers, the player's own frame is taken from the player. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, ask, changed, clock, h, Icon, key, refreshStash, t } = AITagger;
  const { React } = api;
  const { Button, Spinner } = api.libraries.Bootstrap;

  const STEP = 0.01;
  const LEAST = 0.015; // of a side: what is smaller was a click
  const SIDE_PX = 1280;
  const MIDDLE = { x0: 0.4, y0: 0.3, x1: 0.6, y1: 0.6 };

  /* What an element of Stash's page shows just now, as a data address; null when it can't be had. */
  function taken(element, width, height) {
    if (!element || !width || !height) return null;
    const canvas = document.createElement("canvas");
    const scale = Math.min(1, SIDE_PX / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    try {
      canvas.getContext("2d").drawImage(element, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL("image/jpeg", 0.9);
    } catch (error) {
      return null; // From another server: it may be shown, not read.
    }
  }

  function playersFrame() {
    const video = document.querySelector(".scene-player-container video");
    if (!video || video.readyState < 2 || !video.currentTime) return null;
    const url = taken(video, video.videoWidth, video.videoHeight);
    return url && { url, time_s: video.currentTime, now: true };
  }

  function pagesPicture() {
    const image = document.querySelector(".image-container img");
    const url = image && image.complete && taken(image, image.naturalWidth, image.naturalHeight);
    return url && { url, time_s: 0 };
  }

  /* What can be drawn on: the player's frame first, then the kept ones. */
  function useFrames(item) {
    const [frames, setFrames] = React.useState(null);
    React.useEffect(() => {
      let alive = true;
      const own = item.kind === "scene" ? playersFrame() : pagesPicture();
      if (own && item.kind === "image") setFrames([own]);
      else {
        ask("pictures", { items: [item] }).then(
          ({ pictures }) => alive && setFrames([...(own ? [own] : []), ...pictures]),
          () => alive && setFrames(own ? [own] : [])
        );
      }
      return () => {
        alive = false;
      };
    }, [key(item)]);
    return frames;
  }

  const within = (value) => Math.min(1, Math.max(0, value));

  /* The box after a key: arrows move it, with Shift they change its size. */
  function moved(box, name, resize) {
    const [dx, dy] = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[name];
    if (resize) return { ...box, x1: within(Math.max(box.x0 + LEAST, box.x1 + dx)), y1: within(Math.max(box.y0 + LEAST, box.y1 + dy)) };
    const x = Math.max(-box.x0, Math.min(1 - box.x1, dx));
    const y = Math.max(-box.y0, Math.min(1 - box.y1, dy));
    return { x0: box.x0 + x, x1: box.x1 + x, y0: box.y0 + y, y1: box.y1 + y };
  }

  /* One picture with the box on it. */
  function Board({ frame, label, box, onBox }) {
    const board = React.useRef(null);
    const from = React.useRef(null);
    React.useEffect(() => {
      if (board.current) board.current.focus({ preventScroll: false });
    }, []);

    function at(event) {
      const edges = board.current.getBoundingClientRect();
      return [within((event.clientX - edges.left) / edges.width), within((event.clientY - edges.top) / edges.height)];
    }

    function down(event) {
      if (event.button) return;
      event.preventDefault();
      board.current.focus();
      board.current.setPointerCapture(event.pointerId);
      from.current = at(event);
    }

    function move(event) {
      if (!from.current) return;
      const [x, y] = at(event);
      const [x0, y0] = from.current;
      onBox({ x0: Math.min(x, x0), y0: Math.min(y, y0), x1: Math.max(x, x0), y1: Math.max(y, y0) });
    }

    function up() {
      from.current = null;
    }

    function onKeyDown(event) {
      if (!event.key.startsWith("Arrow") || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.nativeEvent.stopPropagation(); // The player's own keys.
      onBox(box ? moved(box, event.key, event.shiftKey) : MIDDLE);
    }

    const percent = (share) => `${(100 * share).toFixed(2)}%`;
    const style = box && { left: percent(box.x0), top: percent(box.y0), width: percent(box.x1 - box.x0), height: percent(box.y1 - box.y0) };
    return h(
      "div",
      { ref: board, className: "ai-tagger-frame ai-tagger-board", role: "application", tabIndex: 0, "aria-label": label, onPointerDown: down, onPointerMove: move, onPointerUp: up, onPointerCancel: up, onKeyDown },
      h("img", { src: frame.url, alt: "", draggable: false }),
      box && h("span", { className: "ai-tagger-box", style })
    );
  }

  function Drawing({ item, onClose }) {
    const frames = useFrames(item);
    const [at, setAt] = React.useState(0);
    const [box, setBox] = React.useState(null);
    const [busy, setBusy] = React.useState(false);
    const cancel = h(Button, { variant: "secondary", size: "sm", onClick: onClose }, t("cancel"));
    if (!frames) return h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("loading"));
    if (!frames.length) return h("div", { role: "alert" }, h("p", null, t(item.kind === "scene" ? "drawNoFrame" : "drawNoPicture")), cancel);
    const frame = frames[Math.min(at, frames.length - 1)];
    const large = box && box.x1 - box.x0 >= LEAST && box.y1 - box.y0 >= LEAST;

    async function done(name) {
      setBusy(true);
      try {
        const edges = [box.x0, box.y0, box.x1, box.y1].map((edge) => edge.toFixed(4)).join(",");
        const { lines } = await ask("people", { action: "add", names: [key(item).replace("-", ":"), name], box: edges, timeS: frame.time_s, create: true });
        AITagger.toast.success(lines[lines.length - 1]);
        changed.tell("item", key(item));
        refreshStash();
        onClose();
      } catch (error) {
        AITagger.toast.error(error);
        setBusy(false);
      }
    }

    const go = (to) => {
      setAt(to);
      setBox(null);
    };
    const turn = (label, icon, to) => h(Button, { variant: "secondary", size: "sm", disabled: !frames[to], title: t(label), "aria-label": t(label), onClick: () => go(to) }, h(Icon, { name: icon }));
    return h(
      "section",
      { className: "ai-tagger-drawing", "aria-label": t("drawFace"), onKeyDown: (e) => e.key === "Escape" && onClose() },
      h("p", { className: "mb-1" }, t("drawHelp")),
      h(Board, { key: at, frame, label: t("drawBoard"), box, onBox: setBox }),
      frames.length > 1 &&
        h(
          "p",
          { className: "d-flex align-items-center justify-content-between mb-2" },
          turn("frameBefore", "faChevronLeft", at - 1),
          h("span", { role: "status" }, t(frame.now ? "frameNow" : "frameAt", { time: clock(frame.time_s) })),
          turn("frameAfter", "faChevronRight", at + 1)
        ),
      busy && h("p", { role: "status" }, h(Spinner, { animation: "border", size: "sm" }), " ", t("drawSaving")),
      !busy && large && h(AITagger.Naming, { label: t("whoIsIt"), onDone: done, onCancel: onClose, focus: false }),
      !busy && !large && cancel
    );
  }

  Object.assign(AITagger, { Drawing });
})();
