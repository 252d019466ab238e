#!/usr/bin/env node
// pack.mjs --release DIR --trust FILE --output SITE: everything in one folder, for any static server.
import { createHash } from "node:crypto";
import { copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openRelease } from "./lib/release.js";
import { readTrust } from "./lib/trust.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const RUNTIME = join(HERE, "node_modules", "onnxruntime-web", "dist");
const PAGE = ["index.html", "style.css", "app.js", "form.js", "rowfiles.js", "slots.js"];
const VENDOR = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"];
const USAGE = "usage: pack.mjs --release DIR --trust FILE --output SITE";

function options() {
  const names = ["release", "trust", "output"];
  const wanted = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
  const { values } = parseArgs({ options: wanted });
  if (names.some((name) => !values[name])) throw new Error(USAGE);
  return values;
}

async function verified({ release, trust }) {
  const trusted = await readTrust(new Uint8Array(await readFile(trust)));
  return openRelease(async (name) => new Uint8Array(await readFile(join(release, name))), trusted);
}

async function copyPage(output) {
  const lib = (await readdir(join(HERE, "lib"))).map((name) => `lib/${name}`);
  for (const folder of ["lib", "vendor"]) await mkdir(join(output, folder), { recursive: true });
  for (const name of [...PAGE, ...lib, "sw.js"]) await copyFile(join(HERE, name), join(output, name));
  for (const name of VENDOR) await copyFile(join(RUNTIME, name), join(output, "vendor", name));
  return [...PAGE, ...lib, ...VENDOR.map((name) => `vendor/${name}`)];
}

/** What the service worker keeps: each file with its hash, and a version that changes with any of them. */
async function shellOf(output, names) {
  const hash = (data) => createHash("sha256").update(data).digest("base64");
  const files = {};
  for (const name of names.sort()) files[name] = `sha256-${hash(await readFile(join(output, name)))}`;
  return { version: hash(JSON.stringify(files)), files };
}

async function main() {
  const { release, trust, output } = options();
  const { id } = await verified({ release, trust });
  const shell = await shellOf(output, await copyPage(output));
  await rm(join(output, "release"), { recursive: true, force: true });
  await cp(release, join(output, "release"), { recursive: true });
  await copyFile(trust, join(output, "trust.json"));
  await writeFile(join(output, "precache.js"), `self.SHELL = ${JSON.stringify(shell, null, 2)};\n`);
  console.log(`release ${id} is in ${output}, to be served as it is`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
