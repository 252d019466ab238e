// How the page and Node.js read rows. In: a schema, then a row a line; out, a line a row: {columns}, or {refused: field}.
import { createInterface } from "node:readline";
import { readRows } from "../../../edge/web/lib/rows.js";

let schema = null;
for await (const line of createInterface({ input: process.stdin })) {
  if (schema === null) schema = JSON.parse(line);
  else console.log(JSON.stringify(told(JSON.parse(line))));
}

function told(row) {
  try {
    const columns = Object.entries(readRows(schema, [row]));
    return {
      columns: Object.fromEntries(columns.map(([name, values]) => [name, Number.isNaN(values[0]) ? null : values[0]])),
    };
  } catch (error) {
    return { refused: error.message };
  }
}
