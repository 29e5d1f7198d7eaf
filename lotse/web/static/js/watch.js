// Consent, and what only the browser can see: which of a list came into view, which was clicked. Nothing is looked at,
// stored or sent before somebody agreed; without this script every page works, and nothing is missing but these facts.
"use strict";

(() => {
  // As often as a glance; more batches would cost the phone's battery.
  const FLUSH_MS = 5000;
  // Half of it for half a second counts as seen (Media Rating Council, viewable impressions, allows a second for video).
  const SEEN_MS = 500;
  const MOST_AT_ONCE = 100;

  const banner = document.querySelector("#consent");
  const objects = navigator.globalPrivacyControl === true || navigator.doNotTrack === "1";

  const chosen = () => {
    const found = document.cookie.match(/(?:^|; )lotse_consent="?([0-9a-z-]+)\.([01])[01]/);
    return found && (!banner || found[1] === banner.dataset.version) ? { measurement: found[2] === "1" } : null;
  };

  const ask = () => {
    // By itself, when nothing else is to be drawn: on a phone, what is done in one go cannot be touched meanwhile.
    whenIdle(() => { banner.hidden = false; });
    banner.querySelector("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const form = event.target;
      const said = new FormData(form);
      said.set("choice", event.submitter?.value ?? "none");
      const answer = await fetch(form.action, {
        method: "POST", body: new URLSearchParams(said), headers: { Accept: "application/json" },
      }).catch(() => null);
      if (!answer?.ok) { form.submit(); return; }
      banner.hidden = true;
      if (chosen()?.measurement) watch(false);
    });
  };

  let watching = false;
  const watch = (isFirst) => {
    if (watching || !navigator.sendBeacon || !crypto.randomUUID || !("IntersectionObserver" in window)) return;
    watching = true;
    const timing = performance.getEntriesByType("navigation")[0]?.serverTiming ?? [];
    const told = timing.find((one) => one.name === "view")?.description;
    const view = told || crypto.randomUUID();
    let queue = [];
    const put = (event) => queue.push({ event, at: performance.now() });
    const flush = () => {
      while (queue.length) {
        const now = performance.now();
        const events = queue.slice(0, MOST_AT_ONCE).map(({ event, at }) => (
          { event, ms_ago: Math.max(0, Math.min(3600000, Math.round(now - at))) }));
        queue = queue.slice(MOST_AT_ONCE);
        const batch = new Blob([JSON.stringify({ view, events })], { type: "application/json" });
        if (!navigator.sendBeacon("/events", batch)) return;
      }
    };
    // A cache in front of the shop answered: nobody else knows of this view.
    if (isFirst && !told) {
      const { lang } = document.documentElement;
      const parts = location.pathname.split("/").filter(Boolean);
      if (parts[0] === lang) parts.shift();
      // Of an address only what says nothing about a person: the rest may be a signed link.
      const isPublic = parts.length === 2 && ["p", "c"].includes(parts[0]);
      put({
        type: "page_viewed", page: isPublic ? `/${parts[0]}/{slug}` : `/${parts[0] ?? ""}`,
        subject: isPublic ? decodeURIComponent(parts[1]).slice(0, 200) : "", language: lang,
      });
    }

    const placed = (element) => ({
      place: element.closest("[data-list]")?.dataset.list ?? "page",
      id: element.dataset.article,
      position: Number(element.dataset.position) || 0,
    });
    const waiting = new Map();
    const seen = new WeakSet();
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        clearTimeout(waiting.get(target));
        waiting.delete(target);
        if (!isIntersecting || seen.has(target)) continue;
        waiting.set(target, setTimeout(() => {
          waiting.delete(target);
          seen.add(target);
          observer.unobserve(target);
          const { place, id, position } = placed(target);
          const last = queue.at(-1)?.event;
          // What comes into view together is one event.
          if (last?.type === "seen" && last.place === place && last.shown.length < 200) last.shown.push({ id, position });
          else put({ type: "seen", place, shown: [{ id, position }] });
        }, SEEN_MS));
      }
    }, { threshold: 0.5 });
    const observe = (root) => root.querySelectorAll("[data-article]").forEach((one) => observer.observe(one));
    observe(document);
    for (const arrived of ["htmx:load", "lotse:shown"]) document.body.addEventListener(arrived, (event) => observe(event.target));
    document.addEventListener("click", (event) => {
      const element = event.target.closest("a[href], button")?.closest("[data-article]");
      if (element) put({ type: "clicked", ...placed(element) });
    }, true);
    setInterval(flush, FLUSH_MS);
    // The only moment that phones tell before a page goes.
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") flush(); });
    window.addEventListener("pagehide", flush);
  };

  if (objects) return;
  const choice = chosen();
  if (choice?.measurement) watch(true);
  else if (!choice && banner) ask();
})();
