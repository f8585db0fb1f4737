/* A page like Stash's, as small as our pages allow: PluginApi with its patches, a navigation bar, routes, a scene with
 * toolbar, tabs and player, lists with operations. React, its router and its Bootstrap come from npm's packages. */
(function () {
  "use strict";
  const { React, ReactDOM, ReactRouterDOM, ReactBootstrap } = window;
  const h = React.createElement;
  const fns = {};
  const components = {};

  function register(kind) {
    return (name, fn) => {
      const key = `${kind} ${name}`;
      fns[key] = [...(fns[key] || []), fn];
    };
  }

  function patched(name, component) {
    const drawn = (...args) => {
      (fns[`before ${name}`] || []).forEach((fn) => (args = fn(...args)));
      return (fns[`after ${name}`] || []).reduce((result, fn) => fn(...args, result), component(...args));
    };
    components[name] = drawn;
    return drawn;
  }

  const before = register("before");
  const container = (name) => patched(name, ({ children }) => h(React.Fragment, null, children));

  async function request(query, variables) {
    const body = JSON.stringify({ query, variables });
    const response = await fetch("/graphql", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const { data, errors } = await response.json();
    if (errors) throw new Error(errors[0].message);
    return { data };
  }

  const refetched = (window.refetched = []);
  const client = {
    query: ({ query, variables }) => request(query, variables),
    mutate: ({ mutation, variables }) => request(mutation, variables),
    getObservableQueries: () => new Map([["1", { queryName: "FindScene" }]]),
    refetchQueries: async ({ include }) => refetched.push(...include),
  };

  const ToastContext = React.createContext(null);

  function ToastProvider({ children }) {
    const [toast, setToast] = React.useState(null);
    const api = React.useMemo(() => ({ toast: setToast, success: (content) => setToast({ content }), error: (error) => setToast({ content: error.message, variant: "danger" }) }), []);
    return h(ToastContext.Provider, { value: api }, children, toast && h("div", { className: `toast show ${toast.variant || ""}`, role: "alert" }, toast.content));
  }

  const icons = new Proxy({}, { get: (target, name) => name, has: () => true });

  window.PluginApi = {
    React,
    ReactDOM,
    components,
    libraries: {
      ReactRouterDOM,
      Bootstrap: ReactBootstrap,
      Apollo: { gql: (parts) => parts.join("") },
      FontAwesomeSolid: icons,
      ReactFontAwesome: { FontAwesomeIcon: ({ icon, spin, ...rest }) => h("i", { ...rest, className: icon }) },
    },
    hooks: { useToast: () => React.useContext(ToastContext) },
    utils: { StashService: { getClient: () => client } },
    patch: { before, after: register("after"), instead: register("instead") },
    register: {
      route: (path, component) =>
        before("PluginRoutes", (props) => [{ children: h(React.Fragment, null, props.children, h(ReactRouterDOM.Route, { path, component })) }]),
    },
  };

  const { BrowserRouter, Route, Switch } = ReactRouterDOM;
  const { Nav, Tab, Button } = ReactBootstrap;
  const MenuItems = patched("MainNavBar.MenuItems", (props) => h(Nav, { as: "nav" }, props.children));
  const PluginRoutes = patched("PluginRoutes", (props) => props.children || null);
  const Tabs = container("ScenePage.Tabs");
  const TabContent = container("ScenePage.TabContent");
  const Player = patched("ScenePlayer", () => h("div", { className: "VideoPlayer" }, h("video", { id: "VideoJsPlayer_html5_api" })));
  const ImageDetail = patched("ImageDetailPanel", (props) => h("p", null, `Image ${props.image.id}`));
  const Overlays = patched("SceneCard.Overlays", () => null);
  const SceneOperations = patched("SceneListOperations", ({ operations, hasSelection }) =>
    h("div", null, operations.filter((o) => !o.isDisplayed || o.isDisplayed()).map((o) => h(Button, { key: o.text, onClick: o.onClick }, o.text)), String(hasSelection))
  );

  function Toolbar({ kind }) {
    const [organized, setOrganized] = React.useState(0);
    const group = (...children) => h("span", { className: `${kind}-toolbar-group` }, ...children);
    // Drawn anew as a whole, so that whatever others put there is lost.
    return h("div", { key: organized, className: `${kind}-toolbar` }, group("stars"), group(h("span", null, h(Button, { id: "organized", onClick: () => setOrganized(organized + 1) }, "organized")), h("span", null, "menu")));
  }

  function Scene({ match }) {
    const scene = { id: match.params.id, files: [{ duration: 12 }] };
    return h(
      "main",
      null,
      h(Toolbar, { kind: "scene" }),
      h(
        Tab.Container,
        { defaultActiveKey: "details" },
        h(Nav, { variant: "tabs" }, h(Tabs, null, h(Nav.Item, null, h(Nav.Link, { eventKey: "details" }, "Details")))),
        h(Tab.Content, null, h(TabContent, { scene }, h(Tab.Pane, { eventKey: "details" }, "Details of the scene")))
      ),
      h("div", { className: "scene-player-container" }, h(Player, { scene }))
    );
  }

  function ImagePage({ match }) {
    return h("main", null, h(Toolbar, { kind: "image" }), h(ImageDetail, { image: { id: match.params.id } }));
  }

  function Scenes() {
    const [selected, setSelected] = React.useState([]);
    const card = (id) =>
      h(
        "div",
        { key: id, className: "scene-card card" },
        h("input", { type: "checkbox", className: "card-check", "aria-label": `choose ${id}`, onChange: () => setSelected([...selected, id]) }),
        h("a", { href: `/scenes/${id}` }, `Scene ${id}`),
        h(Overlays, { scene: { id } })
      );
    return h("main", null, h(SceneOperations, { operations: [], hasSelection: selected.length > 0 }), window.scenes.map(card));
  }

  window.addEventListener("load", () =>
    ReactDOM.render(
      h(
        BrowserRouter,
        null,
        h(
          ToastProvider,
          null,
          h(MenuItems, null, h("a", { href: "/scenes" }, "Scenes")),
          h(
            Switch,
            null,
            h(Route, { path: "/scenes/:id", component: Scene }),
            h(Route, { path: "/images/:id", component: ImagePage }),
            h(Route, { path: "/scenes", component: Scenes }),
            h(PluginRoutes)
          )
        )
      ),
      document.getElementById("root")
    )
  );
})();
