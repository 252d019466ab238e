// A signed release: nothing of it is opened before the signature over its manifest is verified, and no file but those
// that the manifest lists, in its size, by its hash.
import { checkFormat, readCanonical, readJson, sha256 } from "./bytes.js";
import { Refused } from "./errors.js";
import { verify } from "./signing.js";

const KIND = "application/vnd.tidemill.edge.release+json";
const MOST_DOCUMENT = 1024 * 1024;

/** The two files that say what a release is. */
export const MANIFEST = "manifest.json";
export const SIGNATURE = "signature.json";

/** What a manifest lists. */
export const FILES = ["model.onnx", "model.json", "golden.json", "profile.json", "operators.config"];

/** Bytes of the largest release that is taken. */
export const MOST = 256 * 1024 * 1024;

/**
 * Verify a release. `read(name, most)` gives the bytes of one of its files, and throws if there are more than `most`.
 * Gives `{id, manifest, signedBy, files}`: the bytes of `files`, by name, are the ones that were verified.
 * Throws Refused, or what `read` throws.
 */
export async function openRelease(read, trust, most = MOST) {
  const head = await openManifest(read, trust, most);
  const files = new Map();
  for (const name of FILES) files.set(name, await fileOf(read, name, head.manifest.files[name]));
  return { ...head, files };
}

/** Verify what a release is, `{id, manifest, signedBy}`, and read none of its files yet. */
export async function openManifest(read, trust, most = MOST) {
  const bytes = await read(MANIFEST, MOST_DOCUMENT);
  const signature = readCanonical(await read(SIGNATURE, MOST_DOCUMENT), "the signature");
  checkFormat(signature, "the signature");
  const signedBy = await verify(KIND, bytes, signature.signatures, trust.keys);
  const manifest = checkedManifest(readJson(bytes, "the release manifest"), most);
  const id = `${String(manifest.sequence).padStart(10, "0")}-${(await sha256(bytes)).slice(0, 12)}`;
  return { id, manifest, signedBy };
}

function checkedManifest(manifest, most) {
  checkFormat(manifest, "the release manifest");
  if (!Number.isInteger(manifest.sequence) || manifest.sequence < 1)
    throw new Refused("the release manifest has no sequence.");
  const names = Object.keys(manifest.files ?? {});
  const odd = names.find((name) => !FILES.includes(name)) ?? FILES.find((name) => !names.includes(name));
  if (odd !== undefined)
    throw new Refused(`the release manifest does not list the files of a release: ${odd.slice(0, 80)}.`);
  const size = names.reduce((sum, name) => sum + checkedSize(name, manifest.files[name].size), 0);
  if (size > most) throw new Refused(`the release has ${size} bytes, more than the ${most} that are allowed here.`);
  return manifest;
}

function checkedSize(name, size) {
  if (!Number.isInteger(size) || size < 0) throw new Refused(`the release manifest tells no size of ${name}.`);
  return size;
}

async function fileOf(read, name, { size, sha256: wanted }) {
  const bytes = await read(name, size);
  if (bytes.length !== size)
    throw new Refused(`${name} has ${bytes.length} bytes, not the ${size} of the release manifest.`);
  if ((await sha256(bytes)) !== wanted)
    throw new Refused(`${name} is not what the release manifest says: its SHA-256 is another.`);
  return bytes;
}
