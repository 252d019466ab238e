// Golden rows: inputs and the answers they had when the release was made; a runtime proves by them that it answers so.
import { checkFormat, readJson } from "./bytes.js";
import { Refused } from "./errors.js";

const TOLERANCE = 1e-5;

/** Golden rows, `{columns, expected, count}`, from the verified bytes of golden.json. */
export function readGolden(bytes) {
  const golden = readJson(bytes, "golden.json");
  checkFormat(golden, "golden.json");
  const columns = Object.entries(golden.columns).map(([name, values]) => [name, columnOf(values)]);
  return { columns: Object.fromEntries(columns), expected: golden.expected, count: columns[0][1].length };
}

function columnOf(values) {
  if (typeof values[0] === "string") return values;
  return Float32Array.from(values, (value) => value ?? NaN);
}

/**
 * Throws Refused if `given` is not as expected: a probability off by more than the tolerance, a prediction by that much
 * of its size, or another label where the expected probabilities are no tie.
 */
export function checkAnswers(expected, given) {
  const wrong = expected.labels ? wrongLabels(expected, given) : 0;
  if (wrong) throw new Refused(`the model answers ${wrong} of its golden rows with another label.`);
  const off = expected.labels
    ? largest(expected.probabilities.flat(), given.probabilities.flat(), () => 1)
    : largest(expected.prediction, given.prediction, sizes(expected.prediction));
  if (!(off <= TOLERANCE))
    throw new Refused(`the model answers its golden rows off by ${off}, more than ${TOLERANCE}.`);
}

function wrongLabels({ labels, probabilities }, given) {
  return labels.filter((label, row) => label !== given.labels[row] && !isTie(probabilities[row])).length;
}

function isTie(probabilities) {
  const [first, second] = [...probabilities].sort((one, other) => other - one);
  return first - second <= 2 * TOLERANCE;
}

/** A value that happens to be near zero asks for no more than the root mean square of all does. */
function sizes(wanted) {
  const rms = Math.sqrt(wanted.reduce((sum, value) => sum + value * value, 0) / wanted.length);
  return (value) => Math.max(Math.abs(value), rms) || 1;
}

function largest(expected, given, sizeOf) {
  if (expected.length !== given.length) return Infinity;
  const off = expected.map((value, at) => Math.abs(value - given[at]) / sizeOf(value));
  return off.some(Number.isNaN) ? Infinity : Math.max(0, ...off);
}
