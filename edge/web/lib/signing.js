// Ed25519 signatures (RFC 8032) by WebCrypto, over DSSE's pre-authentication encoding, which binds the kind of what is
// signed: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
import { encode, fromBase64, sha256 } from "./bytes.js";
import { Refused } from "./errors.js";

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const ID_LENGTH = 16;

/** What is signed of `payload` as a `kind`. */
export function preAuthentication(kind, payload) {
  const head = encode(`DSSEv1 ${encode(kind).length} ${kind} ${payload.length} `);
  const whole = new Uint8Array(head.length + payload.length);
  whole.set(head);
  whole.set(payload, head.length);
  return whole;
}

/** A public key, `{id, raw}`, from `{key, public}`; throws Refused if it is none, or not the one that its id says. */
export async function readKey({ key, public: text } = {}) {
  const raw = fromBase64(text, KEY_BYTES);
  const id = (await sha256(raw)).slice(0, ID_LENGTH);
  if (id !== key) throw new Refused(`key ${String(key).slice(0, ID_LENGTH)} is not of its id.`);
  return { id, raw };
}

/**
 * The id of the key among `keys` that signed `payload` as a `kind`; throws Refused if none of them did, or if a
 * signature that is said to be by one of them is not.
 */
export async function verify(kind, payload, signatures, keys) {
  if (!Array.isArray(signatures)) throw new Refused("the signatures are not a list.");
  const signed = preAuthentication(kind, payload);
  let found = null;
  for (const { key, signature } of signatures) {
    const bytes = fromBase64(signature, SIGNATURE_BYTES);
    const known = keys.find(({ id }) => id === key);
    if (!known) continue;
    if (!(await isSigned(known, bytes, signed)))
      throw new Refused(`the signature by key ${key} does not match: it was altered, or what it signs was.`);
    found ??= key;
  }
  if (found === null) throw new Refused("it is signed by no key that is trusted.");
  return found;
}

async function isSigned({ raw }, signature, signed) {
  const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]).catch(explain);
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, signed);
}

function explain(error) {
  if (error.name !== "NotSupportedError") throw error;
  throw new Refused("Ed25519 is not known here: use Chromium 137, Firefox 129, Safari 17, Node.js 20, or a newer one.");
}
