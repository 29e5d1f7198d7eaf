// What scripts add to the storefront; every page works without them.
"use strict";

// For what nobody waits for: the page has all it needs, and the phone can be touched.
const whenIdle = (work) => {
  const later = () => (window.requestIdleCallback ? requestIdleCallback(work, { timeout: 2000 }) : setTimeout(work, 1));
  if (document.readyState === "complete") later(); else addEventListener("load", later, { once: true });
};

// A second click on "order" must not even look as if it did something; the server is safe by its key anyway.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  form.querySelectorAll("button[type=submit]").forEach((button) => button.setAttribute("aria-disabled", "true"));
});
// Coming back with the browser's button shows the form as it was: let it be sent again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-once]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
  });
});

// The note that something is in the basket takes the focus, so that the checkout is the next key and not the end of the
// page; who closes it is back where they were.
let opener = null;
document.addEventListener("htmx:load", (event) => {
  const note = event.target;
  if (!note.matches?.("#said > .added")) return;
  opener = document.activeElement;
  note.focus({ preventScroll: true });
});
const closeNote = () => {
  const said = document.querySelector("#said");
  const isInside = said?.contains(document.activeElement);
  said?.replaceChildren();
  if (isInside && opener?.isConnected) opener.focus({ preventScroll: true });
};
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) {
    event.preventDefault();
    closeNote();
  }
  const menu = document.querySelector("details.menu[open]");
  if (menu && !menu.contains(event.target)) menu.removeAttribute("open");
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  closeNote();
  document.querySelector("details.menu[open]")?.removeAttribute("open");
});
document.querySelector("#mistakes")?.focus();

// The number in the basket is the visitor's own and comes by itself: the page around it is kept for everybody.
const count = document.querySelector("#basket-count");
const recount = async () => {
  const answer = await fetch(count.dataset.count, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return;
  count.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
};
if (count) {
  whenIdle(recount);
  document.body.addEventListener("basket-changed", recount);
  // A page that the browser kept shows what was in the basket when it was left.
  addEventListener("pageshow", (event) => { if (event.persisted) recount(); });
}
