// A verified release in memory, ready to answer, on whichever onnxruntime `ort` is: onnxruntime-web or onnxruntime-node.
import { Refused } from "./errors.js";
import { checkAnswers, readGolden } from "./golden.js";
import { readRows } from "./rows.js";

const OPTIONS = { graphOptimizationLevel: "disabled", intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };

/** Answers rows as the cloud does; made by `loadModel`. */
class Model {
  #ort;
  #session;

  constructor(ort, session, { manifest }) {
    this.#ort = ort;
    this.#session = session;
    this.schema = manifest.schema;
    this.classes = manifest.classes;
  }

  /** One answer a row: `{label, probabilities: {class: p}}`, or `{prediction}`; throws BadInput, counting from `first`. */
  async predict(rows, first = 0) {
    const { labels, probabilities, prediction } = await this.run(readRows(this.schema, rows, first));
    if (prediction) return prediction.map((value) => ({ prediction: value }));
    const named = (row) => Object.fromEntries(this.classes.map((name, at) => [name, row[at]]));
    return labels.map((label, at) => ({ label, probabilities: named(probabilities[at]) }));
  }

  /** The answers to columns: `{labels, probabilities}`, or `{prediction}`. */
  async run(columns) {
    const feeds = this.schema.features.map(({ name }) => [name, this.#tensor(columns[name])]);
    const wanted = this.schema.task === "regression" ? ["prediction"] : ["label", "probabilities"];
    const found = await this.#session.run(Object.fromEntries(feeds), wanted);
    if (found.prediction) return { prediction: Array.from(found.prediction.data) };
    return { labels: Array.from(found.label.data), probabilities: this.#byRow(found.probabilities.data) };
  }

  #tensor(values) {
    return new this.#ort.Tensor(Array.isArray(values) ? "string" : "float32", values, [values.length, 1]);
  }

  #byRow(flat) {
    const width = this.classes.length;
    return Array.from({ length: flat.length / width }, (_, row) =>
      Array.from(flat.subarray(row * width, (row + 1) * width)),
    );
  }
}

/** Load the model of a verified release and let it answer its golden rows; throws Refused if it does not as it should. */
export async function loadModel(ort, release, executionProviders) {
  const session = await sessionOf(ort, release.files.get("model.onnx"), executionProviders);
  checkGraph(session, release.manifest.schema);
  const model = new Model(ort, session, release);
  const golden = readGolden(release.files.get("golden.json"));
  checkAnswers(golden.expected, await model.run(golden.columns));
  return { model, golden: golden.count };
}

async function sessionOf(ort, bytes, executionProviders) {
  try {
    return await ort.InferenceSession.create(bytes, { ...OPTIONS, executionProviders });
  } catch (error) {
    throw new Refused(`the model of the release cannot be loaded here: ${error.message}.`);
  }
}

function checkGraph({ inputMetadata, outputNames }, { features, task }) {
  const types = new Map(inputMetadata.map(({ name, type }) => [name, type]));
  const odd = features.find(({ name, type }) => types.get(name) !== (type === "category" ? "string" : "float32"));
  if (odd || types.size !== features.length)
    throw new Refused(`the model does not take what its schema says: ${odd?.name ?? ""}.`);
  const wanted = task === "regression" ? ["prediction"] : ["label", "probabilities"];
  const missing = wanted.find((name) => !outputNames.includes(name));
  if (missing) throw new Refused(`the model gives no ${missing}.`);
}
