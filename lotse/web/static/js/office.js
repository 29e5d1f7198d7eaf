// What scripts add to the back office; every page works without them.
// Keys, the command palette, rows that are chosen, forms that were touched, light and dark.
"use strict";

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const typing = (element) => element.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
document.documentElement.classList.add("scripted");

// -- the menu on small screens
const menuButton = $("[data-menu]");
if (menuButton) {
  menuButton.hidden = false;
  menuButton.addEventListener("click", () => {
    const open = document.body.classList.toggle("menu-open");
    menuButton.setAttribute("aria-expanded", String(open));
  });
}
// A menu closes when another one opens, when something beside it is pressed, and by Escape.
document.addEventListener("click", (event) => {
  $$("details.menu[open]").forEach((menu) => menu.contains(event.target) || menu.removeAttribute("open"));
});

// -- light and dark: at once, and remembered
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-theme-to]");
  if (!link) return;
  event.preventDefault();
  const theme = link.dataset.themeTo;
  document.documentElement.dataset.theme = theme;
  document.cookie = `lotse_theme=${theme};path=/;max-age=31536000;samesite=lax`;
  $$("[data-theme-to]").forEach((other) => (other === link ? other.setAttribute("aria-current", "true") : other.removeAttribute("aria-current")));
});

// -- the command palette
const palette = $("#palette");
const words = $("#palette-words");
const found = $("#palette-found");
const RECENT = `lotse.recent.${document.body.dataset.who || ""}`;
const MOST_RECENT = 8;
const recent = () => {
  try {
    return JSON.parse(localStorage.getItem(RECENT) || "[]");
  } catch {
    return [];
  }
};
const options = () => $$("[role=option]", found);
const choose = (option) => {
  options().forEach((other) => other.setAttribute("aria-selected", String(other === option)));
  words.setAttribute("aria-activedescendant", option ? option.id : "");
  option?.scrollIntoView({ block: "nearest" });
};
const openPalette = () => {
  if (!palette || palette.open) return;
  palette.showModal();
  words.value = "";
  words.focus();
  htmx.trigger(words, "look");
};
const showRecent = () => {
  // What this person opened from here before stands on top, while nothing is typed.
  if (words.value.trim()) return;
  const known = recent();
  if (!known.length) return;
  const group = document.createElement("div");
  group.setAttribute("role", "group");
  const label = $(".palette-recent").dataset.label;
  group.setAttribute("aria-label", label);
  const heading = document.createElement("p");
  heading.className = "palette-group";
  heading.setAttribute("aria-hidden", "true");
  heading.textContent = label;
  group.append(heading);
  known.forEach((one, number) => {
    const link = document.createElement("a");
    link.href = one.href;
    link.id = `recent-${number}`;
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    link.tabIndex = -1;
    link.innerHTML = '<svg class="icon" aria-hidden="true"><use></use></svg><span class="t"></span><span class="s"></span>';
    $("use", link).setAttribute("href", one.icon);
    $(".t", link).textContent = one.title;
    $(".s", link).textContent = one.sub;
    group.append(link);
  });
  found.prepend(group);
};
if (palette) {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]")) {
      event.preventDefault();
      openPalette();
    }
  });
  found.addEventListener("htmx:afterSwap", () => {
    showRecent();
    choose(options()[0]);
  });
  palette.addEventListener("keydown", (event) => {
    const all = options();
    const now = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(all[(now + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
    } else if (event.key === "Enter" && all[now]) {
      event.preventDefault();
      all[now].click();
    }
  });
  palette.addEventListener("click", (event) => {
    if (event.target === palette) palette.close();
  });
  found.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    const one = {
      href: link.getAttribute("href"),
      title: $(".t", link).textContent,
      sub: $(".s", link)?.textContent || "",
      icon: $("use", link)?.getAttribute("href") || "",
    };
    const others = recent().filter((other) => other.href !== one.href);
    localStorage.setItem(RECENT, JSON.stringify([one, ...others].slice(0, MOST_RECENT)));
  });
}
// At a till that several share nothing is left behind.
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-forget]")) localStorage.removeItem(RECENT);
});

// -- rows: where one is, which are chosen
let here = null;
let last = null;
const rows = () => $$("main tr[data-row]");
const boxes = () => $$("#picked input[name=selected]");
const stand = (row) => {
  here?.classList.remove("here");
  here = row || null;
  here?.classList.add("here");
  here?.scrollIntoView({ block: "nearest" });
  ($("a", here || document.body) === null ? null : $("td:not(.pick) a", here || document))?.focus({ preventScroll: true });
};
const count = () => {
  const bar = $("[data-bulk]");
  if (!bar) return;
  const chosen = boxes().filter((box) => box.checked).length;
  const all = $("[data-all]");
  const page = $("[data-pick-page]");
  if (page) {
    page.checked = chosen > 0 && chosen === boxes().length;
    page.indeterminate = chosen > 0 && chosen < boxes().length;
  }
  boxes().forEach((box) => box.closest("tr").classList.toggle("chosen", box.checked));
  const total = $("#count")?.textContent?.trim();
  $("[data-chosen]").textContent = all?.checked && total ? total : String(chosen);
  bar.classList.toggle("on", chosen > 0 || Boolean(all?.checked));
};
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-page]")) boxes().forEach((box) => (box.checked = event.target.checked));
  if (event.target.closest("#picked")) count();
});
document.addEventListener("click", (event) => {
  // Anywhere in a row opens it, like its link; what can be pressed itself goes first.
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input, label, details")) return;
  if (String(getSelection())) return;
  if (event.metaKey || event.ctrlKey) open(row.dataset.href, "_blank", "noopener");
  else location.href = row.dataset.href;
});
document.addEventListener("htmx:afterSettle", () => {
  if (!here?.isConnected) here = null;
  if (!last?.isConnected) last = null;
  count();
});

// -- a list that renews itself: rows that are as they were stay the very same, so what is chosen, focused or open stays so
let counted = Date.now();
const renew = (results, text) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = $("#results", page);
  const [now, then] = [results, fresh].map((part) => part && $("tbody", part));
  ["#above", "#beside"].forEach((name) => {
    const [old, other] = [document, page].map((part) => $(name, part));
    if (other && old.innerHTML !== other.innerHTML && !old.contains(document.activeElement)) old.innerHTML = other.innerHTML;
  });
  if (!fresh || (!now && !then)) return;
  if (!now || !then) {
    results.replaceWith(fresh);
    htmx.process(fresh);
    count();
    return;
  }
  const known = new Map([...now.rows].map((row) => [row.dataset.row, row]));
  let moved = false;
  [...then.rows].forEach((row, place) => {
    const old = known.get(row.dataset.row);
    known.delete(row.dataset.row);
    if (old && old.innerHTML !== row.innerHTML) {
      const chosen = $("input[name=selected]", old)?.checked;
      const focused = $$("a, button, input", old).indexOf(document.activeElement);
      old.innerHTML = row.innerHTML;
      if (chosen && $("input[name=selected]", old)) $("input[name=selected]", old).checked = true;
      if (focused >= 0) $$("a, button, input", old)[focused]?.focus({ preventScroll: true });
    }
    const there = now.rows[place] || null;
    if ((old || row) === there) return;
    now.insertBefore(old || row, there);
    moved = true;
  });
  // What fell off the page stays while somebody has hold of it.
  known.forEach((row) => {
    if (row.contains(document.activeElement) || $("input[name=selected]", row)?.checked) return;
    row.remove();
    moved = true;
  });
  const [next, to] = [results, fresh].map((part) => $("a[rel=next]", part));
  if (next && to) next.setAttribute("href", to.getAttribute("href"));
  else if (to) $(".pager", results).append(to);
  else next?.remove();
  // To count them all costs more than to read a page.
  if (moved && Date.now() - counted > 10_000) {
    counted = Date.now();
    htmx.trigger("#count", "renewed");
  }
  count();
};
const isRenewal = (event) => event.target.matches?.("[data-live]") && event.detail.requestConfig?.elt === event.target;
document.addEventListener("htmx:beforeRequest", (event) => {
  if (isRenewal(event) && document.hidden) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!isRenewal(event)) return;
  event.detail.shouldSwap = false;
  renew(event.target, event.detail.serverResponse);
});
window.addEventListener("pageshow", count);

// -- keys
let waiting = false;
const steps = {
  j: () => step(1),
  k: () => step(-1),
  n: () => $("main a[rel=next]")?.click(),
  p: () => $("main a[rel=prev]")?.click(),
  "?": () => $("#keys-help")?.showModal(),
  a: () => $("[data-pick-page]")?.click(),
  x: () => {
    const box = here && $("input[name=selected]", here);
    if (box) {
      box.checked = !box.checked;
      last = here;
      count();
    }
  },
  X: () => {
    const all = rows();
    const [from, to] = [all.indexOf(last || here), all.indexOf(here)].sort((a, b) => a - b);
    all.slice(from, to + 1).forEach((row) => {
      const box = $("input[name=selected]", row);
      if (box) box.checked = true;
    });
    count();
  },
  Enter: () => here?.dataset.href && (location.href = here.dataset.href),
  "/": () => {
    const search = $("main input[type=search]");
    search?.focus();
    search?.select();
  },
};
const step = (by) => {
  const all = rows();
  const links = all.length ? all : $$("table.list tbody tr").filter((row) => $("a", row));
  const now = links.indexOf(here);
  stand(links[Math.min(links.length - 1, Math.max(0, now + by))]);
};
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.key === "Escape") {
    $$("details.menu[open]").forEach((menu) => {
      menu.removeAttribute("open");
      $("summary", menu).focus();
    });
    if (event.target.matches?.("main input[type=search]")) event.target.blur();
    return;
  }
  // From the search straight into what it found.
  if (event.key === "Enter" && event.target.matches?.("#tools input[type=search]")) {
    // What is shown already is not asked again: rows that are chosen meanwhile would be lost.
    event.preventDefault();
    if ((new URLSearchParams(location.search).get("q") || "") !== event.target.value.trim()) event.target.form.requestSubmit();
    event.target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]") || typing(event.target)) return;
  if (waiting) {
    waiting = false;
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
    return;
  }
  if (event.key === "g") {
    waiting = true;
    setTimeout(() => (waiting = false), 1200);
    return;
  }
  // Enter on a link or button is the link's own.
  if (event.key === "Enter" && event.target.closest("a, button, summary, label, input")) return;
  const does = steps[event.key];
  if (does) {
    event.preventDefault();
    does();
  }
});

// -- forms: sent once; a warning before what was typed is lost; mistakes beside their field
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-once]")) {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  }
  delete form.dataset.touched;
});
window.addEventListener("pageshow", () => {
  $$("form[data-once]").forEach((form) => delete form.dataset.sent);
});
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-dirty]");
  if (form) {
    form.dataset.touched = "yes";
    $$("[data-untouched]", form).forEach((mark) => (mark.hidden = true));
    $$("[data-touched-mark]", form).forEach((mark) => (mark.hidden = false));
  }
});
window.addEventListener("beforeunload", (event) => {
  if ($("form[data-dirty][data-touched]")) event.preventDefault();
});
document.addEventListener("focusout", (event) => {
  const field = event.target;
  const wrap = field.closest?.("form[data-checked] .field");
  if (!wrap || !field.willValidate || !field.value) return;
  let said = $(".error[data-script]", wrap);
  if (field.checkValidity()) {
    said?.remove();
    if (!$(".error", wrap)) wrap.classList.remove("wrong");
    return;
  }
  if (!said) {
    said = document.createElement("p");
    said.className = "error";
    said.dataset.script = "yes";
    said.setAttribute("role", "status");
    wrap.append(said);
  }
  said.textContent = field.dataset.wrong || field.validationMessage;
  wrap.classList.add("wrong");
});
// "Take theirs" beside a field that somebody else changed meanwhile.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-take]");
  if (!button) return;
  const field = document.getElementById(button.dataset.take);
  field.value = button.dataset.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  button.closest(".theirs")?.remove();
});
$("#mistakes")?.focus();
