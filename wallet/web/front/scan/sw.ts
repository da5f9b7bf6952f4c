/** Keeps the page for the time without network: its files as one set, nothing else, and never an answer of the service. */

export {}; // a module, so that `self` may be told anew
declare const self: ServiceWorkerGlobalScope;

const CACHE = `viso-scan-${VERSION}`;
const PAGE = "/scan";
/** A worker belongs to this one only where its own address is below /scan. */
const WORKER = "/scan/worker.js";
const FILES = [PAGE, "/scan/manifest.webmanifest", "/scan/icon.svg", ...PRECACHE];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })))));
});

self.addEventListener("activate", (event) => {
  const old = (name: string): boolean => name.startsWith("viso-scan-") && name !== CACHE;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "takeOver") void self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const file = pathname === WORKER ? ASSETS["scan-worker"]! : pathname;
  if (event.request.method !== "GET" || origin !== self.location.origin || !FILES.includes(file)) return;
  event.respondWith(
    caches.match(file, { cacheName: CACHE }).then((kept) => kept ?? fetch(event.request)),
  );
});
