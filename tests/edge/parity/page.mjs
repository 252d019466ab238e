// Drives the page that scores in the browser. Its argument is {browser, modules}; a line of stdin is a step,
// [name, argument…], and a line of stdout what it saw, {seen} or {error}. It ends with its input.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const PRIVATE = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const job = JSON.parse(process.argv[2]);
const require = createRequire(job.modules);
const { chromium } = require("playwright-core");
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({ executablePath: job.browser, chromiumSandbox: false, args: PRIVATE });
const context = await browser.newContext({ acceptDownloads: true });
const page = await context.newPage();
let [errors, requests] = [[], []];
page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
page.on("pageerror", (error) => errors.push(String(error)));
context.on("request", (request) => requests.push(request.url()));

const textOf = (id) => page.locator(`#${id}`).innerText();

async function settled() {
  await page.waitForFunction(
    () => document.getElementById("offline").textContent || !document.getElementById("problem").hidden,
  );
  const [status, problem, proof] = await Promise.all(["status", "problem", "proof"].map(textOf));
  const seen = {
    status,
    problem,
    proof,
    title: await page.title(),
    answers: await page.locator("#ready").isVisible(),
    errors,
    requests,
  };
  [errors, requests] = [[], []];
  return seen;
}

async function judged(colorScheme, width) {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: 800 });
  await page.evaluate(axe);
  return page.evaluate(async () => ({
    violations: (await axe.run(document, { resultTypes: ["violations"] })).violations.map((one) => one.id),
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    background: getComputedStyle(document.body).backgroundColor,
  }));
}

async function scored(file) {
  await page.locator("#file").setInputFiles(file);
  await page
    .locator("#scored")
    .filter({ hasText: /answered|row/ })
    .waitFor();
  const told = await textOf("scored");
  return { told, answers: told.endsWith("answered.") ? await downloaded() : null };
}

async function downloaded() {
  const waiting = page.waitForEvent("download");
  await page.locator("#download").click();
  return readFile(await (await waiting).path(), "utf8");
}

async function filled(label, value) {
  const field = page.getByLabel(label, { exact: true });
  await field.fill(value);
  await field.press("Enter");
  await page.waitForFunction(() => document.getElementById("answer").ariaBusy === "false");
  return { answer: await textOf("answer"), invalid: await field.getAttribute("aria-invalid") };
}

const STEPS = {
  open: async (url) => (await page.goto(url), settled()),
  judge: judged,
  score: scored,
  fill: filled,
  picture: async (path) => void (await page.screenshot({ path, fullPage: true })),
};

async function told([name, ...given]) {
  try {
    return { seen: (await STEPS[name](...given)) ?? null };
  } catch (error) {
    return { error: String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(JSON.stringify(await told(JSON.parse(line))) + "\n");
await browser.close();
