// Makes the shop an app: registers the worker once the page has all it needs and somebody stays:
// it fetches what the page of the missing network needs.
"use strict";

if ("serviceWorker" in navigator) {
  const STAYED_MS = 4000;
  whenIdle(() => setTimeout(() => navigator.serviceWorker.register("/worker.js").catch(() => {}), STAYED_MS));
}
