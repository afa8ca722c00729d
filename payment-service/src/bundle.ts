// npm run build: bundles the service into dist/main.cjs, and says in main.meta.json what went in.
import { writeFileSync } from "node:fs";
import { build, type Plugin } from "esbuild";

/**
 * What a startup snapshot cannot hold, or need not, is got when it is first used.
 * - Of node:http it can hold nothing. wreck makes agents while it is loaded, which nothing here needs.
 * - shot, of `server.inject`, needs node:http while it is loaded.
 * - mimos is 2,500 media types, of which hapi asks when a client takes compressed answers.
 */
const late: Plugin = {
  name: "late",
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^https?$/ }, ({ path }) => ({ path, namespace: "late-builtin" }));
    onLoad({ filter: /./, namespace: "late-builtin" }, ({ path }) => ({
      contents: proxy(`name === "Agent" ? class {} : process.getBuiltinModule("${path}")[name]`),
    }));
    onResolve({ filter: /^@hapi\/(shot|mimos)$/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === "now") return;
      const { kind, resolveDir } = from;
      const found = await resolve(path, { kind, resolveDir, pluginData: "now" });
      return { path: found.path, namespace: path.replace("@hapi/", "late-") };
    });
    onLoad({ filter: /./, namespace: "late-shot" }, ({ path }) => ({
      contents: proxy(`require("${path}")[name]`),
      resolveDir: import.meta.dirname,
    }));
    onLoad({ filter: /./, namespace: "late-mimos" }, ({ path }) => ({
      contents: `exports.Mimos = class {
        #options; #made;
        constructor(options) { this.#options = options; }
        get #mimos() { return (this.#made ??= new (require("${path}").Mimos)(this.#options)); }
        path(path) { return this.#mimos.path(path); }
        type(type) { return this.#mimos.type(type); }
      };`,
      resolveDir: import.meta.dirname,
    }));
  },
};

const proxy = (value: string) => `module.exports = new Proxy({}, { get: (_, name) => ${value} });`;

const { metafile } = await build({
  entryPoints: ["src/main.ts"],
  outfile: "dist/main.cjs",
  bundle: true,
  minify: true,
  platform: "node",
  target: "node24",
  format: "cjs",
  define: {
    "process.env.BUILD_COMMIT": JSON.stringify(process.env.BUILD_COMMIT || "unknown"),
    "import.meta.main": "isMain",
  },
  // While a snapshot is built there is no module.
  banner: { js: "var module = module ?? { exports: {} }, isMain = require.main === module;" },
  plugins: [late],
  metafile: true,
  logLevel: "warning",
});
writeFileSync("dist/main.meta.json", JSON.stringify(metafile));
