// The service worker: what to show without a network, and news of an order. `SHELL` is put before it by the server.
"use strict";

// Staff work on what is now, and programs know what to do with an error.
const OTHERS = ["/office", "/signin", "/api", "/media", "/static", "/live"];

self.addEventListener("install", (event) => {
  // As nobody: an address with a language in it would make that the visitor's own.
  const pages = Object.values(SHELL.offline).map((address) => new Request(address, { credentials: "omit" }));
  const wanted = [...SHELL.files, ...pages];
  event.waitUntil(caches.open(SHELL.name).then((cache) => cache.addAll(wanted)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("lotse-") && name !== SHELL.name).map((name) => caches.delete(name)));
    // No navigation preload: it asks for the pages of others, too, a second time, and a draft is shown only once.
    await self.registration.navigationPreload?.disable();
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  const isOurs = !OTHERS.some((path) => address.pathname === path || address.pathname.startsWith(`${path}/`));
  if (request.mode === "navigate" && isOurs) event.respondWith(shown(event, address));
  else if (SHELL.files.includes(address.pathname + address.search)) event.respondWith(kept(request));
});

async function shown(event, address) {
  try {
    return await fetch(event.request);
  } catch (error) {
    const spoken = [address.pathname.split("/")[1], ...self.navigator.languages.map((one) => one.slice(0, 2))];
    const language = spoken.find((one) => one in SHELL.offline) || Object.keys(SHELL.offline)[0];
    const page = await caches.match(SHELL.offline[language], { ignoreVary: true });
    if (!page) throw error;
    return page;
  }
}

async function kept(request) {
  return (await caches.match(request, { ignoreVary: true })) || fetch(request);
}

self.addEventListener("push", (event) => {
  const news = event.data?.json();
  if (!news) return;
  event.waitUntil(self.registration.showNotification(news.title, {
    body: news.body, tag: news.tag, lang: news.language, icon: "/icons/192.png", badge: "/icons/192.png", data: { address: news.address },
  }));
});

// The push service moved this device: the shop learns where it is now.
self.addEventListener("pushsubscriptionchange", (event) => {
  const former = event.oldSubscription;
  if (!former) return;
  event.waitUntil((async () => {
    const fresh = event.newSubscription ?? (await self.registration.pushManager.subscribe({
      userVisibleOnly: true, applicationServerKey: former.options.applicationServerKey,
    }));
    const { endpoint, keys } = fresh.toJSON();
    const body = new URLSearchParams({ former: former.endpoint, endpoint, p256dh: keys.p256dh, auth: keys.auth });
    await fetch("/device/renew", { method: "POST", body });
  })());
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  // Only into this shop, whatever the message says.
  const address = new URL(event.notification.data?.address || "/", self.location.origin);
  if (address.origin === self.location.origin) event.waitUntil(opened(address.href));
});

// A tab that shows it already comes to the front and looks anew; else there is a new one.
async function opened(address) {
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const found = tabs.find((tab) => tab.url.split(/[?#]/)[0] === address);
  if (!found) return self.clients.openWindow(address);
  await found.focus();
  return found.navigate(address).catch(() => found);
}
