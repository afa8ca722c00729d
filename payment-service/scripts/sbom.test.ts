import test from "ava";
import { bundled, ofDebian } from "./sbom.ts";

const inputs = {
  "src/main.ts": { bytesInOutput: 10 },
  "node_modules/joi/lib/index.js": { bytesInOutput: 10 },
  "node_modules/joi/lib/base.js": { bytesInOutput: 10 },
  "../node_modules/jose/dist/index.js": { bytesInOutput: 10 },
  "../packages/service-kit/src/server.ts": { bytesInOutput: 10 },
  "node_modules/joi/node_modules/@hapi/hoek/lib/index.js": { bytesInOutput: 10 },
  "node_modules/unused/index.js": { bytesInOutput: 0 },
  "late:/payment-service/node_modules/@hapi/shot/lib/index.js": { bytesInOutput: 10 },
};

test("packages are those with a byte in the bundle", (t) => {
  t.deepEqual(bundled({ outputs: { "dist/main.cjs": { inputs } } }), [
    "../node_modules/jose",
    "node_modules/joi",
    "node_modules/joi/node_modules/@hapi/hoek",
  ]);
});

test("libraries of one package are one component", (t) => {
  const lines =
    "/lib/libc.so.6 libc6 2.36-9+deb12u13 amd64\n/lib/libm.so.6 libc6 2.36-9+deb12u13 amd64\n";
  t.like(ofDebian(lines), [
    {
      purl: "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64",
      evidence: { occurrences: [{ location: "/lib/libc.so.6" }, { location: "/lib/libm.so.6" }] },
    },
  ]);
});

test("a library of no package is an error", (t) => {
  t.throws(() => ofDebian("/lib/libc.so.6\n"), { message: /libc\.so\.6/ });
});
