// What scripts add to the storefront; every page works without them.
"use strict";

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

const closeNote = () => document.querySelector("#said")?.replaceChildren();
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
