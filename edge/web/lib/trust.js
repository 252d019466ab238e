// Whose signatures count: a document that says which keys may sign releases, signed by a root that it names.
import { canonical, checkFormat, encode, readCanonical } from "./bytes.js";
import { Refused } from "./errors.js";
import { readKey, verify } from "./signing.js";

const KIND = "application/vnd.tidemill.edge.trust+json";
const WHAT = "the trust document";

/**
 * Read a document that is trusted for where it came from: `{number, roots, keys, revoked, bytes}`; what it revokes
 * is in neither of its lists. Throws Refused if it cannot be read, or if no root of its own signed it.
 */
export async function readTrust(bytes) {
  const { signed, signatures } = readCanonical(bytes, WHAT);
  checkFormat(signed, WHAT);
  if (!Number.isInteger(signed.number) || signed.number < 1) throw new Refused(`${WHAT} has no number.`);
  const trust = {
    number: signed.number,
    roots: await counted(signed, "roots"),
    keys: await counted(signed, "keys"),
    revoked: signed.revoked,
    bytes,
  };
  await verify(KIND, encode(canonical(signed)), signatures, trust.roots);
  return trust;
}

/**
 * A document that takes the place of `before`, which was trusted so far: the same, or a later one that a root of the one
 * before has signed too, and that takes no revocation back. Throws Refused for any other.
 */
export async function followTrust(before, bytes) {
  const trust = await readTrust(bytes);
  const { signed, signatures } = readCanonical(bytes, WHAT);
  if (trust.number < before.number)
    throw new Refused(`${WHAT} ${trust.number} is older than ${before.number}, which was seen.`);
  if (trust.number === before.number && !sameBytes(bytes, before.bytes))
    throw new Refused(`${WHAT} ${trust.number} is not the one that was seen under this number.`);
  if (trust.number > before.number) await verify(KIND, encode(canonical(signed)), signatures, before.roots);
  if (!before.revoked.every((key) => trust.revoked.includes(key)))
    throw new Refused(`${WHAT} ${trust.number} takes a revocation back, which none may.`);
  return trust;
}

async function counted(signed, role) {
  if (!Array.isArray(signed[role]) || !Array.isArray(signed.revoked))
    throw new Refused(`${WHAT} has no list of ${role}.`);
  const keys = await Promise.all(signed[role].map(readKey));
  return keys.filter(({ id }) => !signed.revoked.includes(id));
}

/** Whether both hold the same. */
export const sameBytes = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
