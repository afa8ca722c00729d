import type { Plugin } from "esbuild";

/**
 * What a startup snapshot cannot hold, or need not, is got when it is first used.
 * - Of node:http it can hold nothing. wreck makes agents while it is loaded, which nothing here needs.
 * - shot, of `server.inject`, needs node:http while it is loaded.
 * - mimos is 2,500 media types, of which hapi asks when a client takes compressed answers.
 */
export const lazyModules: Plugin = {
  name: "lazy-modules",
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^https?$/ }, ({ path }) => ({ path, namespace: "lazy-builtin" }));
    onLoad({ filter: /./, namespace: "lazy-builtin" }, ({ path }) => ({
      contents: proxy(`name === "Agent" ? class {} : process.getBuiltinModule("${path}")[name]`),
    }));
    onResolve({ filter: /^@hapi\/(shot|mimos)$/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === "now") return;
      const { kind, resolveDir } = from;
      const found = await resolve(path, { kind, resolveDir, pluginData: "now" });
      return { path: found.path, namespace: path.replace("@hapi/", "lazy-") };
    });
    onLoad({ filter: /./, namespace: "lazy-shot" }, ({ path }) => ({
      contents: proxy(`require("${path}")[name]`),
      resolveDir: import.meta.dirname,
    }));
    onLoad({ filter: /./, namespace: "lazy-mimos" }, ({ path }) => ({
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
