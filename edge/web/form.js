// A form with a field a feature, filled with a row that the model knows.
import { NULL_CATEGORY } from "./lib/rows.js";

/** Make the fields of `schema` in `place`; `known` are columns of values that suit. */
export function makeFields(place, schema, known) {
  place.replaceChildren(
    ...schema.features.map((feature, at) => fieldOf(feature, `feature-${at}`, known[feature.name])),
  );
}

/** The row in the form; what is left empty is null, what cannot be read stays text, for the model to refuse. */
export function rowOf(form, schema) {
  return Object.fromEntries(
    schema.features.map(({ name, type }, at) => [name, valueOf(form.elements[`feature-${at}`], type)]),
  );
}

/** Mark the field of a feature as wrong, and no other. */
export function mark(form, schema, wrong) {
  schema.features.forEach(({ name }, at) =>
    form.elements[`feature-${at}`].setAttribute("aria-invalid", String(name === wrong)),
  );
}

function fieldOf(feature, id, known) {
  const field = element("div", { className: "field" });
  const control = feature.type === "boolean" || feature.values ? choice(feature) : entry(feature, id, known);
  Object.assign(control, { id, name: id, value: textOf(known[0]), required: !feature.nullable });
  const hint = element("small", { id: `${id}-hint`, textContent: hintOf(feature) });
  if (hint.textContent) control.setAttribute("aria-describedby", hint.id);
  const label = element("label", { htmlFor: id, textContent: feature.name });
  field.append(label, control, hint, ...datalist(feature, id, known));
  return field;
}

function choice({ type, values, nullable }) {
  const control = element("select");
  const texts = [...(nullable ? [""] : []), ...(type === "boolean" ? ["true", "false"] : values)];
  control.append(...texts.map((text) => element("option", { value: text, textContent: text || "unknown" })));
  return control;
}

function entry({ type }, id) {
  const control = element("input", { type: "text", autocomplete: "off" });
  if (type === "category") control.setAttribute("list", `${id}-known`);
  else control.inputMode = "decimal";
  return control;
}

function datalist({ type, values }, id, known) {
  if (type !== "category" || values) return [];
  const list = element("datalist", { id: `${id}-known` });
  list.append(...[...new Set(known.map(textOf))].sort().map((value) => element("option", { value })));
  return [list];
}

function hintOf({ min, max, nullable }) {
  const range = min === null && max === null ? "" : `${min ?? "…"} to ${max ?? "…"}`;
  return [range, nullable ? "may be empty" : ""].filter(Boolean).join(", ");
}

/** A missing category and a missing number of the golden rows are an empty field; a float32 has seven digits to show. */
function textOf(value) {
  if (typeof value === "string") return value === NULL_CATEGORY ? "" : value;
  return value === undefined || Number.isNaN(value) ? "" : String(Number(value.toPrecision(7)));
}

function valueOf({ value }, type) {
  const text = value.trim();
  if (text === "") return null;
  if (type === "boolean") return text === "true";
  if (type === "category") return value;
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}
