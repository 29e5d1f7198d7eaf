// The button "Tell me on this device" below an order: asks the browser, and tells the shop where the device is reached.
// The panel stays hidden where a browser knows no push, or has no worker to show it.
"use strict";
(() => {
  const form = document.querySelector("[data-device]");
  if (!form || !window.isSecureContext) return;
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return;

  const show = (state) => form.querySelectorAll("[data-when]").forEach((one) => { one.hidden = one.dataset.when !== state; });
  const send = async (path, fields) => {
    const body = new URLSearchParams(new FormData(form)); // the token of a staff session
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    // A refusal leads back to the page: that is an answer for forms.
    const answer = await fetch(form.getAttribute("action") + path, { method: "POST", body, redirect: "manual" });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    return answer.status === 204 ? null : answer.json();
  };
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  const same = (one, other) => one && one.byteLength === other.byteLength && new Uint8Array(one).every((byte, i) => byte === other[i]);

  let key = null;
  const begin = async () => {
    const worker = await navigator.serviceWorker.ready;
    const found = await worker.pushManager.getSubscription();
    const standing = await send("", { endpoint: found?.endpoint ?? "" });
    key = bytes(standing.key);
    form.querySelectorAll("[data-covers]").forEach((one) => { one.hidden = one.dataset.covers !== standing.covers; });
    show(standing.told && Notification.permission === "granted" ? "on" : Notification.permission === "denied" ? "blocked" : "off");
    form.hidden = false;
  };

  const turnOn = async () => {
    if ((await Notification.requestPermission()) !== "granted") return show(Notification.permission === "denied" ? "blocked" : "off");
    const worker = await navigator.serviceWorker.ready;
    let found = await worker.pushManager.getSubscription();
    // Made for another key, by another installation at this address: it would never reach us.
    if (found && !same(found.options.applicationServerKey, key)) {
      await found.unsubscribe();
      found = null;
    }
    found ??= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const { endpoint, keys } = found.toJSON();
    await send("/on", { endpoint, p256dh: keys.p256dh, auth: keys.auth, language: form.dataset.language });
    show("on");
  };

  const turnOff = async () => {
    const worker = await navigator.serviceWorker.ready;
    const found = await worker.pushManager.getSubscription();
    if (found) {
      const { left } = await send("/off", { endpoint: found.endpoint });
      if (!left) await found.unsubscribe();
    }
    show("off");
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter;
    const isOn = button?.value !== "off";
    button?.setAttribute("aria-busy", "true");
    try {
      await (isOn ? turnOn() : turnOff());
    } catch {
      form.querySelector('[data-when="failed"]').hidden = false;
    } finally {
      button?.removeAttribute("aria-busy");
    }
    form.querySelector("button:not([hidden])")?.focus();
  });
  begin().catch(() => {}); // offline, or the worker could not be set up: then there is no button
})();
