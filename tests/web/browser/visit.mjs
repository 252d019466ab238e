// Visits pages in Chromium and says what it saw, as JSON. In: {browser, pages: [{url, scheme, width,
// height, keys, judge, picture}]}; both by stdio. `picture` is the file that the screen is drawn into.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PRIVATE = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const focused = () => {
  const at = document.activeElement;
  const outline = getComputedStyle(at);
  return {
    text: at.textContent.trim().slice(0, 60),
    name: at.getAttribute("aria-label") ?? "",
    tag: at.tagName,
    seen: outline.outlineStyle !== "none" && parseFloat(outline.outlineWidth) > 0,
    scrolled: at.scrollLeft,
  };
};

const judged = async () => {
  const found = await globalThis.axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
};

async function visit(context, { url, scheme, width, height = 800, keys = [], judge = true, picture }) {
  const page = await context.newPage();
  await page.emulateMedia({ colorScheme: scheme });
  await page.setViewportSize({ width, height });
  const seen = { url, scheme, width, errors: [], requests: [], dialogs: [], focus: [] };
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("dialog", (dialog) => (seen.dialogs.push(dialog.message()), dialog.dismiss()));
  const began = performance.now();
  await page.goto(url);
  seen.milliseconds = performance.now() - began;
  for (const key of keys) {
    await page.keyboard.press(key);
    if (key !== "Tab") await page.waitForTimeout(500); // a link leads elsewhere, an arrow scrolls smoothly
    await page.waitForLoadState();
    seen.focus.push(await page.evaluate(focused));
  }
  seen.arrived = page.url();
  seen.title = await page.title();
  seen.heading = await page.locator("h1").innerText();
  seen.overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  seen.scripts = await page.locator("script, img, iframe, object, [onerror], [onload], [onclick]").count();
  seen.background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  if (judge) {
    await page.evaluate(axe);
    seen.violations = await page.evaluate(judged);
  }
  if (picture) await page.screenshot({ path: picture });
  await page.close();
  return seen;
}

const job = JSON.parse(await text(process.stdin));
const browser = await chromium.launch({ executablePath: job.browser, chromiumSandbox: false, args: PRIVATE });
const seen = [];
const context = await browser.newContext();
for (const page of job.pages) seen.push(await visit(context, page));
await browser.close();
process.stdout.write(JSON.stringify(seen));
