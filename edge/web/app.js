// The page: shows what was verified, and answers on this device.
import * as ort from "./vendor/ort.wasm.bundle.min.mjs";
import { makeFields, mark, rowOf } from "./form.js";
import { BadInput, Refused } from "./lib/errors.js";
import { readGolden } from "./lib/golden.js";
import { loadModel } from "./lib/model.js";
import { rowsOf } from "./rowfiles.js";
import { Unreachable, keep, kept, offered } from "./slots.js";

const CHUNK = 4096;
const at = (id) => document.getElementById(id);
let model = null;

ort.env.wasm.numThreads = 1; // more want headers that not every static server sends
ort.env.wasm.wasmPaths = { wasm: new URL("vendor/ort-wasm-simd-threaded.wasm", import.meta.url).href };

async function main() {
  if (!globalThis.crypto?.subtle)
    throw new Refused("This page verifies signatures, which a browser does at https:// or on localhost only.");
  const before = await opened(kept);
  if (before) show(before);
  const offer = await opened(() => offered(before));
  if (offer) show(offer);
  if (!model) throw new Refused(at("problem").textContent || "There is no release beside this page.");
  at("offline").textContent = await keptHere(offer);
}

/** What `find` gives, loaded and proven; null, and told why, if there is none or it is refused. */
async function opened(find) {
  try {
    const found = await find();
    return found && { ...found, ...(await loadModel(ort, found.release, ["wasm"])) };
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
    if (error instanceof Refused) tell("problem", `Refused: ${error.message}`);
    return null;
  }
}

function show({ release, trust, model: loaded, golden }) {
  model = loaded;
  const { manifest } = release;
  document.title = at("title").textContent = `${manifest.model}: scored on this device`;
  at("status").textContent = `Version ${manifest.version}, verified and ready.`;
  showProof({
    Release: `${release.id}, made ${manifest.created}`,
    Variant: manifest.variant.name,
    Trust: `document ${trust.number}, by ${trust.roots.length} root key${trust.roots.length === 1 ? "" : "s"}`,
    Signature: `Ed25519, by key ${release.signedBy}`,
    Files: `${release.files.size}, each of the size and SHA-256 that is signed`,
    "Golden rows": `${golden}, answered here as when the release was made`,
  });
  makeFields(at("fields"), model.schema, readGolden(release.files.get("golden.json")).columns);
  at("ready").hidden = false;
  answerRow();
}

function showProof(facts) {
  at("proof").replaceChildren(
    ...Object.entries(facts).flatMap(([name, fact]) => [element("dt", name), element("dd", fact)]),
  );
}

async function answerRow(event) {
  event?.preventDefault();
  at("answer").ariaBusy = "true";
  try {
    const [answer] = await model.predict([rowOf(at("form"), model.schema)]);
    mark(at("form"), model.schema, null);
    at("answer").replaceChildren(...shown(answer));
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    mark(at("form"), model.schema, error.field);
    at("answer").replaceChildren(element("p", error.message.replace(" of row 0", ""), "bad"));
  } finally {
    at("answer").ariaBusy = "false";
  }
}

function shown({ label, probabilities, prediction }) {
  if (label === undefined) return [element("strong", String(prediction))];
  return [element("strong", label), ...Object.entries(probabilities).map(([name, value]) => bar(name, value))];
}

function bar(name, value) {
  const line = element("label", "");
  const meter = Object.assign(document.createElement("meter"), { value });
  line.append(meter, ` ${(100 * value).toFixed(1)} % ${name}`);
  const whole = element("div", "");
  whole.append(line);
  return whole;
}

async function answerFile({ target }) {
  const [file] = target.files;
  if (!file) return;
  at("download").hidden = true;
  at("scored").textContent = "Scoring…";
  try {
    const answers = await scored(rowsOf(file.name, await file.text(), model.schema));
    offerDownload(answers);
    at("scored").textContent = `${answers.length} rows answered.`;
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    at("scored").replaceChildren(element("span", error.message, "bad"));
  }
}

async function scored(rows) {
  const answers = [];
  for (let first = 0; first < rows.length || !first; first += CHUNK)
    answers.push(...(await model.predict(rows.slice(first, first + CHUNK), first)));
  return answers;
}

function offerDownload(answers) {
  const link = at("download");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(
    new Blob(
      answers.map((answer) => JSON.stringify(answer) + "\n"),
      { type: "application/jsonl" },
    ),
  );
  link.hidden = false;
}

/** Keep what is new, and the page itself; what is told of it. A browser may refuse, and then answers all the same. */
async function keptHere(offer) {
  try {
    if (offer) await keep(offer);
    await navigator.serviceWorker.register("sw.js", { updateViaCache: "none" });
    await navigator.serviceWorker.ready;
    return "Kept on this device: works without a network.";
  } catch (error) {
    return `Not kept on this device, it needs the network again: ${error.message}`;
  }
}

function element(name, text, className = "") {
  return Object.assign(document.createElement(name), { textContent: text, className });
}

function tell(id, text) {
  at(id).textContent = text;
  at(id).hidden = false;
}

at("form").addEventListener("submit", answerRow);
at("form").addEventListener("change", answerRow);
at("file").addEventListener("change", answerFile);
main().catch((error) => {
  if (!model) at("status").textContent = "Nothing is answered here.";
  tell("problem", error.message);
});
