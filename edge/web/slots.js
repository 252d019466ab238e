// Where a release comes from: the server of the page, and the copy that this browser keeps. A release is verified each time
// it is opened, from either; the copy is replaced by one that is whole, verified and proven, and by no other.
import { Refused } from "./lib/errors.js";
import { openRelease } from "./lib/release.js";
import { followTrust, readTrust, sameBytes } from "./lib/trust.js";

const HERE = new URL(".", location.href).href;
const MEMORY = `tidemill ${HERE}`;
const PREFIX = `tidemill-release ${HERE} `;
const TRUST = "trust.json";
const MOST_TRUST = 1024 * 1024;

/** There is no such file to be had now: the server is away, the device is offline, or nothing is kept. */
export class Unreachable extends Error {
  name = "Unreachable";
}

/**
 * What the server offers, verified: `{release, trust, bytes}`; null if it is the release `before`. Throws Refused or
 * Unreachable.
 */
export async function offered(before) {
  const read = recorded(fromServer);
  const trust = await trustOf(await read(TRUST, MOST_TRUST), before);
  if (before && (await isSame(read, before))) return null;
  const release = await openRelease(under("release/", read), trust);
  const seen = remembered().sequence ?? 0;
  if (release.manifest.sequence < seen)
    throw new Refused(
      `release ${release.id} is older than number ${seen}, which was here: to go back, release it anew.`,
    );
  return { release, trust, bytes: read.bytes };
}

/** What this browser keeps, verified anew, as `offered` gives it; null if it keeps nothing. Throws as that does. */
export async function kept() {
  const { name } = remembered();
  if (!name) return null;
  const read = recorded(fromCache(await caches.open(name)));
  const trust = await readTrust(await read(TRUST, MOST_TRUST));
  return { release: await openRelease(under("release/", read), trust), trust, bytes: read.bytes };
}

/** Keep a release that has answered its golden rows in place of the one before, by one write. */
export async function keep({ release, bytes }) {
  const name = `${PREFIX}${release.id} ${crypto.randomUUID()}`;
  const cache = await caches.open(name);
  for (const [path, data] of bytes) await cache.put(new URL(path, HERE), new Response(data));
  localStorage.setItem(MEMORY, JSON.stringify({ name, sequence: release.manifest.sequence }));
  await navigator.storage.persist?.();
  const others = (await caches.keys()).filter((each) => each.startsWith(PREFIX) && each !== name);
  await Promise.all(others.map((each) => caches.delete(each)));
}

const remembered = () => JSON.parse(localStorage.getItem(MEMORY) ?? "{}");

const trustOf = (bytes, before) => (before ? followTrust(before.trust, bytes) : readTrust(bytes));

async function isSame(read, before) {
  const [manifest, signature] = ["release/manifest.json", "release/signature.json"];
  const same = async (name) => sameBytes(await read(name, MOST_TRUST), before.bytes.get(name));
  return (await same(manifest)) && (await same(signature));
}

/** `read`, remembering in `.bytes` what it gave. */
function recorded(read) {
  const bytes = new Map();
  const recording = async (name, most) => {
    if (!bytes.has(name)) bytes.set(name, await read(name, most));
    return bytes.get(name);
  };
  return Object.assign(recording, { bytes });
}

const under = (folder, read) => (name, most) => read(folder + name, most);

async function fromServer(name, most) {
  const answer = await fetch(new URL(name, HERE), { cache: "no-store" }).catch((error) => {
    throw new Unreachable(`${name} cannot be fetched: ${error.message}.`);
  });
  if (!answer.ok) throw new Unreachable(`${name} cannot be fetched: the server answers ${answer.status}.`);
  return atMost(answer, name, most);
}

const fromCache = (cache) => async (name, most) => {
  const answer = await cache.match(new URL(name, HERE));
  if (!answer) throw new Unreachable(`${name} is not kept any more.`);
  return atMost(answer, name, most);
};

async function atMost(answer, name, most) {
  const parts = [];
  let size = 0;
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return joined(parts, size);
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new Refused(`${name} has more than the ${most} bytes that it may have.`);
    }
    parts.push(value);
  }
}

function joined(parts, size) {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
