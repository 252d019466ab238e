// Keeps the page itself on the device, so that it opens without a network. Releases are kept by the page (slots.js), which
// verifies them. A new page is fetched whole, each file by its hash, before it takes the old one's place.
importScripts("precache.js"); // SHELL: {version, files: {name: integrity}}

const PREFIX = `tidemill-page ${registration.scope} `;
const CACHE = PREFIX + SHELL.version;

async function install() {
  const cache = await caches.open(CACHE);
  const wanted = Object.entries(SHELL.files).map(
    ([name, integrity]) => new Request(name, { cache: "reload", integrity }),
  );
  await cache.addAll(wanted);
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)),
  );
  await clients.claim();
}

async function answer(request, name) {
  const cache = await caches.open(CACHE);
  return (await cache.match(name)) ?? fetch(request);
}

/** Which file of the page is asked for; null for any other request, which is left to the network. */
function fileOf({ method, url }) {
  if (method !== "GET" || !url.startsWith(registration.scope)) return null;
  const name = url.slice(registration.scope.length).split(/[?#]/)[0] || "index.html";
  return Object.hasOwn(SHELL.files, name) ? name : null;
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const name = fileOf(event.request);
  if (name) event.respondWith(answer(event.request, name));
});
