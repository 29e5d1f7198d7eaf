// Suggestions below search fields (the combobox pattern of the ARIA practices), and filters that fold on small screens.
// Without scripts the field is a plain search and the filters have a button.
"use strict";
(() => {
  const WAIT = 70; // ms; whoever types on is not answered in between
  let count = 0;

  const equip = (input) => {
    const list = document.createElement("div");
    list.className = "suggest";
    list.id = `suggest-${(count += 1)}`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", input.labels?.[0]?.textContent || "");
    input.after(list);
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, "aria-haspopup": "listbox",
    })) input.setAttribute(name, value);
    let timer = 0, asking = null, at = -1;

    const options = () => [...list.querySelectorAll("a[role=option]")];
    const show = (open) => {
      list.hidden = !open;
      input.setAttribute("aria-expanded", String(open));
      if (!open) choose(-1);
    };
    const choose = (place) => {
      const all = options();
      at = all.length ? (place + all.length + 1) % (all.length + 1) : -1;
      if (at === all.length) at = -1; // one step beyond either end leads back to what was typed
      all.forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
      if (at >= 0) {
        input.setAttribute("aria-activedescendant", all[at].id);
        all[at].scrollIntoView({ block: "nearest" });
      } else input.removeAttribute("aria-activedescendant");
    };
    const ask = async () => {
      const words = input.value.trim();
      asking?.abort();
      if (words.length < 2) return show(false);
      asking = new AbortController();
      try {
        const answer = await fetch(`${input.dataset.suggest}?q=${encodeURIComponent(words)}`, { signal: asking.signal });
        if (!answer.ok || input.value.trim() !== words) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        list.replaceChildren(...page.body.childNodes);
        // Ids are unique in the whole page, also with two fields.
        options().forEach((option, i) => (option.id = `${list.id}-${i}`));
        at = -1;
        show(list.childElementCount > 0 && document.activeElement === input);
        list.dispatchEvent(new Event("lotse:shown", { bubbles: true })); // for who watches what came into view
      } catch (error) {
        if (error.name !== "AbortError") show(false);
      }
    };

    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT);
    });
    input.addEventListener("focus", () => { if (list.childElementCount && input.value.trim().length > 1) show(true); });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (list.hidden) { if (options().length) show(true); else ask(); return; }
        event.preventDefault();
        choose(event.key === "ArrowDown" ? at + 1 : at < 0 ? options().length - 1 : at - 1);
      } else if (event.key === "Enter" && !list.hidden && at >= 0) {
        event.preventDefault();
        options()[at].click();
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        event.stopPropagation();
        show(false);
      } else if (event.key === "Tab") show(false);
    });
    input.addEventListener("blur", () => setTimeout(() => { if (!list.contains(document.activeElement)) show(false); }, 120));
    list.addEventListener("mousedown", (event) => event.preventDefault()); // a click must not close what it clicks
  };
  // Before anybody types; who is quicker than that has it with the focus.
  const plain = "input[data-suggest]:not([role])";
  whenIdle(() => document.querySelectorAll(plain).forEach(equip));
  document.addEventListener("focusin", (event) => { if (event.target.matches(plain)) equip(event.target); }, true);

  // Filters are open without scripts; on a phone they would push the goods out of sight.
  const narrow = window.matchMedia("(max-width: 61.99rem)");
  let opened = false;
  const fold = () => {
    const all = document.querySelector("[data-facets]");
    if (!all) return;
    all.open = !narrow.matches || opened;
    // Until here the style sheet keeps them folded, so that nothing moves.
    all.dataset.folded = "";
  };
  fold();
  narrow.addEventListener("change", fold);
  document.addEventListener("toggle", (event) => {
    // What has just come is open and says so, too: nobody chose that.
    if (event.target.matches?.("[data-facets][data-folded]") && narrow.matches) opened = event.target.open;
  }, true);
  document.addEventListener("htmx:afterSettle", fold);
  // Every tick was answered already: who asks for the articles wants to see them.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#facets") || !narrow.matches) return;
    opened = false;
    fold();
    document.querySelector("#found").scrollIntoView();
    document.querySelector("#found-total")?.focus({ preventScroll: true });
  });
  document.addEventListener("click", (event) => {
    document.querySelectorAll(".found-sort[open]").forEach((open) => { if (!open.contains(event.target)) open.removeAttribute("open"); });
  });
})();
