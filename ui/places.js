/* Where we are in Stash: buttons in toolbars, operations of lists, an entry in the navigation.
 *
 * One component of ours lives in the navigation bar, inside Stash's own React tree, and draws into places that have no
 * patch point through portals: so it has Stash's toasts, routes and cache. Places are found again after each redraw. */
(function () {
  "use strict";
  const { AITagger } = window;
  if (AITagger.missing) return;
  const { api, h, Icon, lacks, t, tagThese } = AITagger;
  const { React, ReactDOM, patch } = api;
  const { Bootstrap, ReactRouterDOM } = api.libraries;

  const KINDS = { scenes: "scene", images: "image", galleries: "gallery" };

  /* The item whose page this is, or null. */
  function itemOf(pathname) {
    const found = /^\/(scenes|images|galleries)\/(\d+)(\/|$)/.exec(pathname);
    return found ? { kind: KINDS[found[1]], id: found[2] } : null;
  }

  /* A place of ours inside Stash's page, kept as long as the page has where to put it. find() → [parent, before]. */
  function usePlace(name, active, find) {
    const [host, setHost] = React.useState(null);
    React.useEffect(() => {
      if (!active) {
        setHost(null);
        return undefined;
      }
      const element = document.createElement("span");
      element.className = `ai-tagger-place ai-tagger-${name}`;
      let frame = 0;
      function put() {
        frame = 0;
        const [parent, before] = find() || [];
        if (parent && element.parentNode !== parent) parent.insertBefore(element, before || null);
      }
      const observer = new MutationObserver(() => {
        if (!frame && !element.isConnected) frame = requestAnimationFrame(put);
      });
      observer.observe(document.body, { childList: true, subtree: true });
      put();
      setHost(element);
      const late = setTimeout(() => element.isConnected || lacks(`place for “${name}”`), 15000);
      return () => {
        clearTimeout(late);
        cancelAnimationFrame(frame);
        observer.disconnect();
        element.remove();
      };
    }, [active]);
    return host;
  }

  function findToolbar(kind) {
    const groups = document.querySelectorAll(`.${kind}-toolbar .${kind}-toolbar-group`);
    const group = groups[groups.length - 1];
    return group && [group, group.lastElementChild];
  }

  /* A gallery's details have no patch point. */
  function findGalleryDetails() {
    const pane = document.querySelector(".gallery-tabs .tab-content > .tab-pane");
    return pane && [pane, null];
  }

  /* Lives in the navigation bar and draws everywhere. */
  function Everywhere() {
    const { pathname } = ReactRouterDOM.useLocation();
    const item = itemOf(pathname);
    const toast = api.hooks.useToast();
    AITagger.toast = toast;
    AITagger.useChanged("language");
    const toolbar = usePlace("toolbar", item && AITagger.key(item), () => findToolbar(item.kind));
    const gallery = item && item.kind === "gallery" ? item : null;
    const panel = usePlace("gallery", gallery && AITagger.key(gallery), findGalleryDetails);
    return h(
      React.Fragment,
      null,
      gallery && panel && ReactDOM.createPortal(h("div", { className: "ai-tagger-panel" }, h("h4", null, t("ai")), h(AITagger.ItemPanel, { key: gallery.id, item: gallery, head: "h5" })), panel),
      item && toolbar && ReactDOM.createPortal(h(AITagger.TagButton, { item }), toolbar),
      ReactDOM.createPortal(h(AITagger.TagProgress), document.body)
    );
  }

  /* The entry in the navigation, with the number that waits. */
  function Entry() {
    const [waiting, setWaiting] = React.useState(0);
    AITagger.useChanged("language");
    React.useEffect(() => {
      let timer = 0;
      const look = () => {
        clearTimeout(timer);
        timer = setTimeout(() => AITagger.ask("waiting", {}).then((answer) => setWaiting(answer.review), () => {}), 800);
      };
      look();
      const stops = [AITagger.changed.on("review", look), AITagger.changed.on("waiting", setWaiting)];
      return () => {
        clearTimeout(timer);
        stops.forEach((stop) => stop());
      };
    }, []);
    const to = waiting ? `${AITagger.HOME}/review` : AITagger.HOME;
    const classes = "btn btn-primary minimal p-4 p-xl-2 d-flex d-xl-inline-block flex-column justify-content-between align-items-center";
    return h(
      Bootstrap.Nav.Link,
      { as: "div", className: "col-4 col-sm-3 col-md-2 col-lg-auto ai-tagger-entry" },
      h(
        ReactRouterDOM.NavLink,
        { to, className: classes, activeClassName: "active", isActive: (match, location) => location.pathname.startsWith(AITagger.HOME) },
        h("span", { className: "nav-menu-icon d-block d-xl-inline mb-2 mb-xl-0" }, h(Icon, { name: "faWandMagicSparkles" })),
        h("span", null, t("ai"), waiting > 0 && h(Bootstrap.Badge, { pill: true, variant: "secondary", className: "ml-1", title: t("openOnes", { n: waiting }) }, waiting.toLocaleString()))
      )
    );
  }

  patch.before("MainNavBar.MenuItems", (props) => [
    {
      ...props,
      children: h(React.Fragment, null, props.children, h(Entry, { key: "ai-tagger-entry" }), h(Everywhere, { key: "ai-tagger" })),
    },
  ]);

  /* -------------------------------------------------------------- lists */

  function withTagging(kind) {
    return (props) => {
      const operation = {
        text: t("tagSelected"),
        onClick: async (result, filter, selected) => {
          tagThese(Array.from(selected, (id) => ({ kind, id })));
        },
        isDisplayed: (result, filter, selected) => selected.size > 0,
      };
      return [{ ...props, extraOperations: [...(props.extraOperations || []), operation] }];
    };
  }

  patch.before("ImageList", withTagging("image"));
  patch.before("GalleryList", withTagging("gallery"));

  /* The list of scenes tells its operations only whether something is selected: which, its check boxes say. */
  function selectedScenes() {
    const boxes = document.querySelectorAll(".scene-card input:checked, .scene-table tbody input:checked");
    const links = Array.from(boxes, (box) => box.closest(".scene-card, tr").querySelector('a[href*="/scenes/"]'));
    const ids = links.map((link) => link && /\/scenes\/(\d+)/.exec(link.getAttribute("href")));
    return ids.filter(Boolean).map((found) => ({ kind: "scene", id: found[1] }));
  }

  patch.before("SceneListOperations", (props) => {
    const operation = {
      text: t("tagSelected"),
      onClick: () => {
        const items = selectedScenes();
        if (items.length) tagThese(items);
        else lacks("way to see which scenes are selected");
      },
      isDisplayed: () => props.hasSelection,
    };
    return [{ ...props, operations: [...(props.operations || []), operation] }];
  });

  Object.assign(AITagger, { usePlace, itemOf });
})();
