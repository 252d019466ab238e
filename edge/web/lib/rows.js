// Rows of values -> the columns that a model takes, by the rules of the cloud's endpoint.
//
// A missing nullable feature is null. A missing required feature, a wrong type, an unknown field, a number out of its
// range and a category outside its closed set are each a BadInput. What stands beside the features (id, time, sensitive
// and dropped columns) is accepted and passed over: nothing is recorded here.
import { BadInput } from "./errors.js";

/** How a missing category is told to a model. */
export const NULL_CATEGORY = "<null>";

const FLOAT32_MAX = 3.4028234663852886e38;
const INT64_MAX = 2 ** 63 - 1024; // the largest that a double can tell
const WANTED = { number: "a number", integer: "a whole number", boolean: "true or false", category: "a string" };

/**
 * One column a feature, by name: Float32Array with NaN for null, or an array of texts. Throws BadInput, which counts rows
 * from `first`.
 */
export function readRows(schema, rows, first = 0) {
  if (!Array.isArray(rows) || !rows.length) throw new BadInput("there are no rows: give at least one.");
  const beside = namesBeside(schema);
  rows.forEach((row, at) => checkNames(schema, beside, row, first + at));
  return Object.fromEntries(schema.features.map((feature) => [feature.name, columnOf(feature, rows, first)]));
}

function namesBeside({ features, id, time, sensitive = [], drop = [] }) {
  return new Set([
    ...features.map(({ name }) => name),
    ...[id, time].filter((name) => name != null),
    ...sensitive,
    ...drop,
  ]);
}

function checkNames(schema, known, row, number) {
  if (row === null || typeof row !== "object" || Array.isArray(row))
    throw new BadInput(`row ${number} must be an object with a value a feature, not ${kindOf(row)}.`);
  for (const name of Object.keys(row)) {
    if (known.has(name)) continue;
    if (name === schema.target)
      throw new BadInput(`field '${name}' of row ${number} is what model ${schema.model} predicts: leave it out.`);
    if (schema.undeclared !== "drop")
      throw new BadInput(`field '${name.slice(0, 60)}' of row ${number} is unknown to model ${schema.model}.`);
  }
}

function columnOf(feature, rows, first) {
  const values = rows.map((row, at) => valueOf(feature, row, first + at));
  if (feature.type === "category") return values.map((value) => value ?? NULL_CATEGORY);
  return Float32Array.from(values, (value) => (value === null ? NaN : Number(value)));
}

function valueOf(feature, row, number) {
  const value = (Object.hasOwn(row, feature.name) ? row[feature.name] : null) ?? null;
  const problem = misfit(feature, value);
  if (problem) throw new BadInput(`field '${feature.name}' of row ${number} ${problem}.`, feature.name);
  return value;
}

/** What is wrong with a value, to follow the field's name; null if it fits. */
export function misfit(feature, value) {
  if (value === null) return feature.nullable ? null : "is missing, and it is required";
  const { type } = feature;
  const wanted = { boolean: "boolean", category: "string" }[type] ?? "number";
  if (typeof value !== wanted) return `must be ${WANTED[type]}, not ${kindOf(value)}`;
  if (wanted === "number") return misfitNumber(feature, value);
  if (type === "category" && feature.values && !feature.values.includes(value))
    return `is ${kindOf(value)}, which is not one of ${feature.values.join(", ")}`;
  return null;
}

function misfitNumber({ type, min, max }, value) {
  const limit = type === "integer" ? INT64_MAX : FLOAT32_MAX;
  const [low, high] = [Math.max(min ?? -limit, -limit), Math.min(max ?? limit, limit)];
  if (!Number.isFinite(value)) return "must be a finite number; give null for a missing value";
  if (value < low) return `is ${value}, below the minimum ${low}`;
  if (value > high) return `is ${value}, above the maximum ${high}`;
  if (type === "integer" && !Number.isInteger(value)) return `must be a whole number, not ${value}`;
  return null;
}

function kindOf(value) {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `${typeof value} ${JSON.stringify(value).slice(0, 60)}`;
}
