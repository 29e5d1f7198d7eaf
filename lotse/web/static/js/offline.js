// The page of the missing network: as soon as there is one, the page that was asked for comes by itself.
"use strict";
(() => {
  // By its own address it is a page as any other.
  if (location.pathname.endsWith("/offline")) return;
  const LONGEST = 30000;
  let pause = 2000;
  let next;

  // A network that is said to be there may lead nowhere yet, and nothing says when it does.
  const ask = async () => {
    clearTimeout(next);
    try {
      if ((await fetch("/robots.txt", { cache: "no-store" })).ok) return location.reload();
    } catch { /* not yet */ }
    next = setTimeout(ask, pause);
    pause = Math.min(2 * pause, LONGEST);
  };
  addEventListener("online", ask);
  next = setTimeout(ask, pause);
})();
