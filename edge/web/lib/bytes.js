// Bytes and their texts.
import { Refused } from "./errors.js";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8. */
export const encode = (text) => new TextEncoder().encode(text);

/** The SHA-256 of `bytes`, in hexadecimal. */
export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Exactly `length` bytes of RFC 4648's base64, written in the one canonical way; throws Refused for any other text. */
export function fromBase64(text, length) {
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new Refused("a key or a signature is not base64.");
  const bytes = Uint8Array.from(binary(text), (each) => each.charCodeAt(0));
  if (bytes.length !== length || btoa(String.fromCharCode(...bytes)) !== text)
    throw new Refused(`a key or a signature is not the base64 of ${length} bytes.`);
  return bytes;
}

function binary(text) {
  try {
    return atob(text);
  } catch {
    throw new Refused("a key or a signature is not base64.");
  }
}

/** The JSON object in `bytes`; throws Refused, naming `what`, if there is none. */
export function readJson(bytes, what) {
  let value;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch (error) {
    throw new Refused(`${what} is not JSON: ${error.message}.`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new Refused(`${what} is not a JSON object.`);
  return value;
}

/** Throws Refused unless `value.format` is the one that is known here. */
export function checkFormat(value, what) {
  if (!Number.isInteger(value?.format) || value.format < 1) throw new Refused(`${what} has no known format.`);
  if (value.format > 1) throw new Refused(`${what} has format ${value.format}, beyond 1: update this program.`);
}

/**
 * Canonical JSON: sorted names, no spaces. For documents of texts, lists and whole numbers only, which trust documents
 * and signatures are: fractions are written in other ways by other languages.
 */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

/** The JSON object in `bytes`, which must be canonical, so that no byte can change unnoticed; throws Refused. */
export function readCanonical(bytes, what) {
  const value = readJson(bytes, what);
  if (canonical(value) !== utf8.decode(bytes)) throw new Refused(`${what} is not written as it was signed.`);
  return value;
}
