#!/usr/bin/env node
// score.mjs RELEASE_DIR --trust FILE < rows.jsonl > answers.jsonl: one JSON object a line, in and out.
import { createInterface } from "node:readline";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { BadInput, open } from "./index.mjs";

const USAGE = "usage: score.mjs RELEASE_DIR --trust FILE < rows.jsonl > answers.jsonl";
const BATCH = 1024;

function options() {
  try {
    const { values, positionals } = parseArgs({ options: { trust: { type: "string" } }, allowPositionals: true });
    if (values.trust && positionals.length === 1) return { folder: positionals[0], trust: values.trust };
  } catch (error) {
    console.error(error.message);
  }
  console.error(USAGE);
  process.exit(2);
}

async function* batches(lines) {
  let rows = [];
  for await (const line of lines) {
    if (!line.trim()) continue;
    rows.push(parsed(line));
    if (rows.length === BATCH) yield rows.splice(0);
  }
  if (rows.length) yield rows;
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new BadInput(`a line is not JSON: ${error.message}: ${line.slice(0, 60)}`);
  }
}

async function main() {
  const { folder, trust } = options();
  const model = await open(folder, trust);
  let first = 0;
  for await (const rows of batches(createInterface({ input: process.stdin, crlfDelay: Infinity }))) {
    const answers = await model.predict(rows, first);
    first += rows.length;
    const text = answers.map((answer) => JSON.stringify(answer) + "\n").join("");
    if (!process.stdout.write(text)) await once(process.stdout, "drain");
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
