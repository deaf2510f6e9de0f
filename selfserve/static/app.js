// What htmx and HTML do not do by themselves. Nothing here is needed: every page works without it.
// Runs in <head> before the first paint, so the buttons for browsers without script never flash.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const byId = (id) => document.getElementById(id);
  const on = (name, handler) => document.addEventListener(name, handler);
  const unsaved = () => document.querySelector("[data-uncopied]");

  // Tells a screen reader, shows nothing.
  const say = (text) => {
    const line = document.createElement("p");
    line.className = "sr";
    line.textContent = text;
    byId("flash")?.append(line);
    setTimeout(() => line.remove(), 4000);
  };

  // Copy: the clipboard is missing on plain http, then the old command, then a selection to copy by hand.
  const relabel = (button) => {
    const [label, icon] = [button.querySelector("span"), button.querySelector("use")];
    const [words, picture] = [label.textContent, icon.getAttribute("href")];
    if (picture.endsWith("#check")) return;
    const show = (text, href) => {
      if (words) label.textContent = text;
      icon.setAttribute("href", href);
    };
    show("Copied", picture.replace("#copy", "#check"));
    setTimeout(() => show(words, picture), 1500);
  };
  const copied = (button) => {
    if (button.closest("[data-uncopied]") && "secret" in button.dataset) unsaved().removeAttribute("data-uncopied");
    relabel(button);
    say("Copied");
  };
  const copyBySelection = (source, button) => {
    getSelection().selectAllChildren(source);
    if (document.execCommand("copy")) copied(button);
    else say("Selected. Press Ctrl+C to copy.");
  };
  const copy = (button) => {
    const source = byId(button.dataset.copy);
    if (!navigator.clipboard) return copyBySelection(source, button);
    navigator.clipboard.writeText(source.textContent.trim()).then(
      () => copied(button), () => copyBySelection(source, button));
  };
  on("copy", () => {
    const secret = unsaved();
    if (secret && getSelection().containsNode(secret.querySelector("output"), true)) secret.removeAttribute("data-uncopied");
  });
  addEventListener("beforeunload", (event) => unsaved() && event.preventDefault());

  const showPassword = (button) => {
    const field = byId(button.dataset.reveal);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };

  // One dialog asks before a delete. Focus goes back to where it came from, or to the row that followed.
  let opener = null;
  let neighbour = null;
  let asked = null;
  const doorOf = (link) => {
    const menu = link?.closest("[popover]");
    return (menu && document.querySelector(`[popovertarget="${menu.id}"]`)) || link;
  };
  const remember = (link) => {
    opener = doorOf(link);
    if (opener.matches("form")) opener = opener.querySelector("select, .primary") || opener;
    const row = opener.closest("tr");
    neighbour = (row?.nextElementSibling || row?.previousElementSibling)?.querySelector("[popovertarget]")?.id;
  };
  const giveFocusBack = () => {
    const target = opener?.isConnected ? opener : byId(opener?.id) || byId(neighbour) || byId("main");
    target?.focus();
  };
  const closePanel = (panel) => {
    const empty = document.createElement("div");
    empty.id = panel.id;
    panel.replaceWith(empty);
    const doors = `[hx-target="#${empty.id}"]`;
    doorOf(asked?.isConnected && asked.matches(doors) ? asked : document.querySelector(doors))?.focus();
  };
  const close = (link, event) => {
    const open = link.closest("dialog") || link.closest(".panel[id], form[id]");
    if (!open) return;
    event.preventDefault();
    if (open.matches("dialog")) open.close();
    else closePanel(open);
  };

  on("click", (event) => {
    const hit = (name) => event.target.closest(`[data-${name}]`);
    if (hit("copy")) copy(hit("copy"));
    else if (hit("reveal")) showPassword(hit("reveal"));
    else if (hit("dismiss")) hit("dismiss").closest(".toast").remove();
    else if (hit("close")) close(hit("close"), event);
    else if (hit("saved")) unsaved()?.removeAttribute("data-uncopied");
  });
  on("change", ({ target }) => {
    if (!target.matches("thead .pick input")) return;
    target.closest("table").querySelectorAll("tbody .pick input").forEach((box) => (box.checked = target.checked));
  });
  on("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector("input[type=search]");
      if (search) event.preventDefault();
      search?.select();
    }
    const isOpenElsewhere = document.querySelector("dialog:modal, :popover-open");
    if (event.key === "Escape" && !isOpenElsewhere && !event.target.closest("[type=search]"))
      document.querySelector("form:focus-within [data-close], form.panel.lift [data-close]")?.click();
  });

  // htmx: the one place that listens to it.
  on("htmx:beforeRequest", (event) => {
    const { elt, target, requestConfig } = event.detail;
    if (elt.id === "live" && document.hidden) return event.preventDefault();
    if (requestConfig.verb !== "get") for (const toast of [...byId("flash").children]) toast.contains(elt) || toast.remove();
    if (requestConfig.verb === "get") asked = elt;
    if (target?.id === "dialog-body") remember(elt);
    elt.closest(".menu:popover-open")?.hidePopover();
  });
  on("htmx:afterSwap", (event) => {
    const dialog = byId("dialog");
    if (event.detail.target.id === "dialog-body" && !dialog.open) {
      const asker = event.detail.requestConfig.elt;
      const form = asker.closest("form.inline");
      remember(asker);
      dialog.onclose = () => {
        form?.reset();
        giveFocusBack();
      };
      dialog.showModal();
    }
  });
  on("htmx:afterRequest", (event) => {
    const { elt, target, successful } = event.detail;
    const isElsewhere = (successful || target?.id !== "flash") && !byId("dialog")?.contains(byId(target?.id));
    if (elt.closest("dialog") && isElsewhere) byId("dialog").close();
    elt.closest(".toast")?.remove();
  });
  on("htmx:afterSettle", () => {
    const next = document.querySelector("[data-focus]");
    next?.removeAttribute("data-focus");
    next?.focus();
  });
  on("htmx:sendError", ({ detail }) => detail.elt.id === "live" || byId("flash").append(byId("offline").content.cloneNode(true)));
})();
