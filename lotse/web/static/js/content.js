// The editor of pages: Alt and an arrow move a block, drafts keep themselves, the preview follows.
// Without scripts every button does its work by a post.
(() => {
  const form = document.getElementById("editor");
  const preview = document.getElementById("preview");
  const kept = document.getElementById("kept");
  if (!form) return;
  const touched = Number(form.dataset.block);
  if (touched >= 0) {
    const block = document.getElementById(`block-${touched}`);
    (block?.querySelector("textarea, input:not([type=hidden]):not([type=radio]), select") ?? block)?.focus();
    block?.scrollIntoView({ block: "center" });
  }
  form.addEventListener("keydown", (event) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const block = event.target.closest(".block");
    const button = block?.querySelector(`button[value^="${event.key === "ArrowUp" ? "up" : "down"}:"]`);
    if (!button || button.disabled) return;
    event.preventDefault();
    form.requestSubmit(button);
  });
  let timer;
  let sending = false;
  const keep = async () => {
    if (sending || !form.checkValidity()) return;
    sending = true;
    const body = new URLSearchParams(new FormData(form));
    body.set("act", "keep");
    try {
      const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
      if (answer.type === "opaqueredirect" && preview) {
        const at = preview.contentWindow?.scrollY ?? 0;
        preview.addEventListener("load", () => preview.contentWindow?.scrollTo(0, at), { once: true });
        preview.contentWindow?.location.reload();
        if (kept) kept.textContent = kept.dataset.said;
      }
    } finally {
      sending = false;
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 800);
  });
  form.addEventListener("submit", () => clearTimeout(timer));
})();
