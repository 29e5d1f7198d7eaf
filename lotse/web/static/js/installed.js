// Makes the shop an app: registers the worker once the page has all it needs.
"use strict";

if ("serviceWorker" in navigator) {
  addEventListener("load", () => navigator.serviceWorker.register("/worker.js").catch(() => {}));
}
