// The preview of a mail follows what is typed. Without scripts its button does the same.
(() => {
  const form = document.getElementById("words");
  const button = form?.querySelector("[data-preview]");
  if (!button) return;
  let timer;
  const show = () => {
    const was = { action: form.getAttribute("action"), target: form.target };
    form.setAttribute("action", button.getAttribute("formaction"));
    form.target = button.getAttribute("formtarget");
    form.submit(); // no submit event: nothing was sent as far as the form's own marks know
    form.setAttribute("action", was.action);
    form.target = was.target;
  };
  form.addEventListener("input", (event) => {
    if (event.target.name === "address") return;
    clearTimeout(timer);
    timer = setTimeout(show, 500);
  });
  show();
})();
