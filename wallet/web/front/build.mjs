// Builds every page that works without network into ../static/dist. No network, no watch mode, one call.
//
// A folder here with a `main.ts` is a page: `<folder>`. Beside it, a `worker.ts` becomes `<folder>-worker` and a `sw.ts`
// becomes `<folder>-sw`; each of the two is one classic script, because Safari 14 runs no module there. `verifier` is a
// library: an ES module that a page, a worker, or Node imports.
//
// Told to the sources at build time (front.d.ts): ASSETS, the address of every file built before them, by its plain
// name ("zxing_reader.wasm", "scan-worker"); and to `sw.ts` PRECACHE, every address its page needs, and VERSION, which
// changes exactly when one of them does.
//
// Written last, in one step: manifest.json { "entries": { "<name>": file }, "styles": { "<page>": file },
// "precache": { "<page>": [files] } }, every file being a name within static/dist.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "static", "dist");
const address = (file) => `/static/dist/${file}`;
const folders = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
  .map((entry) => entry.name)
  .sort();
const having = (file) => folders.filter((folder) => existsSync(join(here, folder, file)));

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: ["chrome87", "safari14.1"],
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  outdir: dist,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file", ".svg": "file", ".png": "file" },
  publicPath: "/static/dist",
  logLevel: "warning",
};

const entries = {};
const styles = {};
const precache = {};
const written = new Set();
const packages = new Set(["zxing-wasm"]);
const assets = {};

/** Copies a file under a name that holds its digest. */
function hashed(path) {
  const [stem, extension] = basename(path).split(/\.(?=[^.]+$)/);
  const digest = createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 8).toUpperCase();
  const file = `${stem}-${digest}.${extension}`;
  copyFileSync(path, join(dist, file));
  written.add(file);
  assets[basename(path)] = address(file);
  return file;
}

/** Builds; returns name -> metafile output of each entry, with the file's own name in `file`. */
async function run(named, options) {
  const result = await build({
    ...common,
    entryPoints: Object.entries(named).map(([out, path]) => ({ in: path, out })),
    ...options,
  });
  const outputs = Object.fromEntries(
    Object.entries(result.metafile.outputs).map(([path, output]) => [basename(path), output]),
  );
  for (const file of Object.keys(outputs)) written.add(file);
  for (const path of Object.keys(result.metafile.inputs)) {
    const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path);
    if (found) packages.add(found[1]);
  }
  const found = {};
  for (const [out, path] of Object.entries(named)) {
    const file = Object.keys(outputs).find((name) => outputs[name].entryPoint === path && name.endsWith(".js"));
    found[out] = { file, outputs };
  }
  return found;
}

/** Every file that a built entry loads: itself, its chunks, its style, and what these name. */
function needed({ file, outputs }) {
  const seen = new Set();
  const visit = (name) => {
    if (seen.has(name) || !outputs[name]) return;
    seen.add(name);
    const output = outputs[name];
    if (output.cssBundle) visit(basename(output.cssBundle));
    for (const { path } of output.imports) visit(basename(path));
  };
  visit(file);
  return [...seen];
}

const plain = (names, file) => Object.fromEntries(names.map((name) => [`${name}-${file}`, `${name}/${file}.ts`]));

mkdirSync(dist, { recursive: true });
// The glue of zxing-wasm and a .wasm of another version crash each other: both come from the one package.
const wasm = hashed(createRequire(import.meta.url).resolve("zxing-wasm/reader/zxing_reader.wasm"));

const define = () => ({ ASSETS: JSON.stringify(assets) });
const workers = await run(plain(having("worker.ts"), "worker"), { format: "iife", define: define() });
for (const [name, { file }] of Object.entries(workers)) {
  entries[name] = file;
  assets[name] = address(file);
}

const libraries = await run({ verifier: "verifier/index.ts" }, { format: "esm", define: define() });
entries.verifier = libraries.verifier.file;

const pages = having("main.ts");
const built = await run(
  Object.fromEntries(pages.map((name) => [name, `${name}/main.ts`])),
  { format: "esm", splitting: true, define: define() },
);
for (const page of pages) {
  const { file, outputs } = built[page];
  entries[page] = file;
  if (outputs[file].cssBundle) styles[page] = basename(outputs[file].cssBundle);
  const worker = workers[`${page}-worker`];
  precache[page] = [...new Set([...needed(built[page]), ...(worker ? [...needed(worker), wasm] : [])])].sort();
}

for (const page of having("sw.ts").filter((name) => pages.includes(name))) {
  const addresses = precache[page].map(address);
  const version = createHash("sha256").update(addresses.join("\n")).digest("hex").slice(0, 16);
  const found = await run(
    { [`${page}-sw`]: `${page}/sw.ts` },
    {
      format: "iife",
      define: { ...define(), PRECACHE: JSON.stringify(addresses), VERSION: JSON.stringify(version) },
    },
  );
  entries[`${page}-sw`] = found[`${page}-sw`].file;
}

// What others wrote travels with the terms they wrote it under.
const terms = [...packages].sort().map((name) => {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : "(no text in the package)";
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(join(dist, "licences.txt"), terms.join(`\n${"-".repeat(80)}\n\n`));

// A server may be reading: first every file, then the manifest in one step, and only then what nobody names any more.
const next = join(dist, ".manifest.json");
writeFileSync(next, `${JSON.stringify({ entries, styles, precache }, null, 2)}\n`);
renameSync(next, join(dist, "manifest.json"));
for (const name of readdirSync(dist)) {
  if (/-[0-9A-Z]{8}\.[a-z0-9]+$/.test(name) && !written.has(name)) rmSync(join(dist, name));
}
