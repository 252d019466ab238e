// A signed release in Node.js: `const model = await open(folder, trust)`, then `await model.predict(rows)`.
import { constants } from "node:fs";
import { open as openFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { Refused } from "../web/lib/errors.js";
import { loadModel } from "../web/lib/model.js";
import { FILES, MANIFEST, SIGNATURE, openRelease } from "../web/lib/release.js";
import { readTrust } from "../web/lib/trust.js";

export { BadInput, Refused } from "../web/lib/errors.js";

const MOST_TRUST = 1024 * 1024;

/** Verify the release in `folder` by the trust document in the file `trust`, load it, and let it answer its golden rows. */
export async function open(folder, trust) {
  const trusted = await readTrust(await read(trust, MOST_TRUST));
  await checkNames(folder);
  const release = await openRelease((name, most) => read(join(folder, name), most), trusted);
  const { model } = await loadModel(ort, release, ["cpu"]);
  return Object.assign(model, { release: release.id, version: release.manifest.version });
}

async function checkNames(folder) {
  const known = [MANIFEST, SIGNATURE, ...FILES];
  const strange = (await readdir(folder)).find((name) => !known.includes(name));
  if (strange !== undefined) throw new Refused(`the release has '${strange.slice(0, 80)}', which it does not list.`);
}

/** The bytes of a plain file of at most `most` bytes; no link is followed. */
async function read(path, most) {
  const file = await openFile(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Refused(`${path} is no plain file.`);
    if (found.size > most) throw new Refused(`${path} has ${found.size} bytes, more than ${most}.`);
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
}
