// npm run build: bundles the service into dist/main.cjs, and says in main.meta.json what went in.
import { writeFileSync } from "node:fs";
import { build } from "esbuild";
import { lazyModules } from "../snapshot/lazy-modules.ts";

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
  plugins: [lazyModules],
  metafile: true,
  logLevel: "warning",
});
writeFileSync("dist/main.meta.json", JSON.stringify(metafile));
