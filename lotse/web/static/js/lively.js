// Brings htmx to pages that have something for it, with the first touch of the page: to start it costs a phone a tenth of
// a second. What was done before it was there is kept and given to it; if it does not come, the browser does what it does
// without scripts.
"use strict";
(() => {
  // Lotse's own pages say data-hx-, which is HTML; a theme may write either.
  const LIVELY = "[data-hx-get], [data-hx-post], [hx-get], [hx-post]";
  const address = document.currentScript.dataset.htmx;
  let coming = null;
  let isThere = false;

  const bring = () => (coming ??= new Promise((arrived) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => {
      // It begins when the page stands, and would wait for ever for an event that was before it: its own alone.
      if (document.readyState === "interactive") document.dispatchEvent(new Event("DOMContentLoaded"));
      arrived();
    });
    script.addEventListener("error", arrived);
    document.head.append(script);
  }).then(() => { isThere = true; }));

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (isThere || !form.matches(LIVELY)) return;
    event.preventDefault();
    const by = event.submitter;
    // By its button again: htmx sends the value of the one that it saw being pressed, and knows of no other.
    bring().then(() => (by?.isConnected ? by.click() : form.requestSubmit()));
  }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a");
    if (isThere || !link?.matches(LIVELY) || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    bring().then(() => link.click());
  }, true);
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (isThere || !field.closest(LIVELY)) return;
    bring().then(() => field.dispatchEvent(new Event("change", { bubbles: true })));
  }, true);
  if (!document.querySelector(LIVELY)) return;
  // What asks by itself cannot wait for anybody.
  if (document.querySelector("[data-hx-trigger*=every], [hx-trigger*=every]")) whenIdle(bring);
  // Fetched beforehand, so that it is there when a finger comes down.
  else whenIdle(() => fetch(address, { priority: "low" }).catch(() => {}));
  for (const touch of ["pointerdown", "keydown", "focusin"]) {
    document.addEventListener(touch, bring, { once: true, capture: true, passive: true });
  }
})();
