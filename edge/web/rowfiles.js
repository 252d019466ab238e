// Rows in files: JSON Lines as they are; CSV (RFC 4180) by the types of the schema, an empty cell being null.
import { BadInput } from "./lib/errors.js";

/** The rows in `text`, from a file called `name`; throws BadInput. */
export function rowsOf(name, text, schema) {
  return name.toLowerCase().endsWith(".csv") ? fromCsv(text, schema) : fromLines(text);
}

function fromLines(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  return lines.map((line, row) => {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw new BadInput(`row ${row} is not JSON: ${error.message}.`);
    }
  });
}

function fromCsv(text, { features }) {
  const [head = [], ...records] = recordsOf(text);
  const types = new Map(features.map(({ name, type }) => [name, type]));
  return records.map((cells, row) => {
    if (cells.length !== head.length)
      throw new BadInput(`row ${row} has ${cells.length} cells, and the head has ${head.length}.`);
    return Object.fromEntries(head.map((name, at) => [name, valueOf(cells[at], types.get(name))]));
  });
}

function valueOf(cell, type) {
  if (cell === "") return null;
  if (type === "boolean") return { true: true, false: false }[cell.toLowerCase()] ?? cell;
  if (type !== "number" && type !== "integer") return cell;
  return Number.isNaN(Number(cell)) ? cell : Number(cell);
}

const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;

function recordsOf(text) {
  const records = [];
  let cells = [];
  CELL.lastIndex = 0;
  while (CELL.lastIndex < text.length) {
    const found = CELL.exec(text);
    if (!found) throw new BadInput(`row ${records.length - 1} has a quote where none may be.`);
    cells.push(found[1]?.replaceAll('""', '"') ?? found[2]);
    if (found[3] === ",") continue;
    records.push(cells);
    cells = [];
  }
  if (cells.length) records.push([...cells, ""]); // the text ends in a comma
  return records.filter((record) => record.length > 1 || record[0] !== "");
}
