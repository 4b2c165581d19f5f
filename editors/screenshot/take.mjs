/**
 * Builds the page, serves it beside the language server, and takes its picture: node take.mjs [OUT]
 *
 * Fails where the editor does not show what it should: a squiggle, its message, a meaning.
 */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build, preview } from "vite";
import { StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node";
import { WebSocketServer } from "ws";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../..");
const TASKS = join(ROOT, "tasks/libero_object");
const PROGRAM = "pick_up_the_alphabet_soup_and_place_it_in_the_basket.rl";
const MISTAKE = { right: "alphabet_soup_1", wrong: "alphabet_soup" };
const HOVERED = "over"; // the word whose meaning the picture shows
const SIZE = { width: 960, height: 720 };
const SCALE = 1.25; // pixels of the picture for one of the page
const PATIENCE = 60_000; // ms for anything to appear
const SETTLING = 1_500; // ms until what has appeared stands still

const command = process.env.REWARDLANG ?? "rewardlang";
const browserPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const out = process.argv[2] ?? join(ROOT, "docs/images/editor.png");

/** The page and its data over HTTP, a language server of its own behind each socket. */
async function serve() {
  const config = { root: HERE, configFile: join(HERE, "vite.config.mjs") };
  await build(config);
  const site = await preview({ ...config, preview: { port: 0 }, plugins: [programs()] });
  new WebSocketServer({ server: site.httpServer, path: "/lsp" }).on("connection", bridge);
  return site;
}

/** Hands out the program with its mistake at /programs.json. */
function programs() {
  const text = readFileSync(join(TASKS, PROGRAM), "utf8").replace(MISTAKE.right, MISTAKE.wrong);
  const answer = JSON.stringify({ [PROGRAM]: text });
  return {
    name: "programs",
    configurePreviewServer: (server) =>
      void server.middlewares.use("/programs.json", (_request, response) => response.end(answer)),
  };
}

/** Messages of the socket to a server's standard input, and back. */
function bridge(socket) {
  const server = spawn(command, ["lsp"], { stdio: ["pipe", "pipe", "inherit"] });
  server.on("error", (error) => giveUp(`\`${command} lsp\` does not start (${error.message}); set REWARDLANG`));
  const writer = new StreamMessageWriter(server.stdin);
  new StreamMessageReader(server.stdout).listen((message) => socket.send(JSON.stringify(message)));
  socket.on("message", (data) => writer.write(JSON.parse(data)));
  socket.on("close", () => server.kill());
}

async function take(address) {
  // Without its sandbox, which containers refuse it; the only page it sees is our own.
  const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: SIZE, deviceScaleFactor: SCALE });
  page.setDefaultTimeout(PATIENCE);
  await page.goto(address);
  await page.waitForSelector("body[data-ready]");
  await page.waitForSelector(".squiggly-error");
  await page.keyboard.press("F8");
  await page.waitForSelector(".marker-widget");
  await page.getByText(HOVERED, { exact: true }).first().hover();
  await page.locator(".monaco-hover", { hasText: HOVERED }).waitFor();
  await page.waitForTimeout(SETTLING);
  await page.screenshot({ path: out });
  await browser.close();
}

function giveUp(reason) {
  console.error(`error: ${reason}`);
  process.exit(1);
}

const site = await serve();
await take(site.resolvedUrls.local[0]).catch((error) => giveUp(error.message));
console.log(`wrote ${out}`);
process.exit(0); // the servers would stay
