import test from "ava";
import { ofDebian, ofNpm, ofProgram } from "./sbom.ts";

test("packages are in the files of the bundle, and what a plugin made is none", (t) => {
  const library = (name: string, properties: { name: string; value: string }[] = []) => ({
    type: "library" as const,
    name,
    "bom-ref": name,
    properties,
    evidence: { occurrences: [] },
  });
  const virtual = [{ name: "cdx:esbuild:input:isVirtual", value: "true" }];
  const bom = {
    bomFormat: "CycloneDX",
    components: [library("joi"), library("lazy:http", virtual), library("jose")],
    dependencies: [
      { ref: "main", dependsOn: ["joi", "lazy:http", "jose"] },
      { ref: "lazy:http", dependsOn: ["jose"] },
      { ref: "joi" },
    ],
  };
  const { components, dependencies, ...others } = ofNpm(bom, ["/main.cjs", "/snapshot.blob"]);
  const occurrences = [{ location: "/main.cjs" }, { location: "/snapshot.blob" }];
  t.deepEqual(
    components.map(({ name, evidence }) => [name, evidence]),
    [
      ["joi", { occurrences }],
      ["jose", { occurrences }],
    ],
  );
  t.deepEqual(dependencies, [
    { ref: "main", dependsOn: ["joi", "jose"] },
    { ref: "joi", dependsOn: [] },
  ]);
  t.deepEqual(others, { bomFormat: "CycloneDX" });
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

test("a program of somebody else's is in its files", (t) => {
  const purl = "pkg:golang/github.com/somebody/program@v1.2.3";
  t.like(ofProgram(`/program,/etc/program.yml=${purl}`), {
    name: "program",
    version: "v1.2.3",
    purl,
    evidence: { occurrences: [{ location: "/program" }, { location: "/etc/program.yml" }] },
  });
  t.throws(() => ofProgram("/program=1.2.3"), { message: /=1\.2\.3/ });
});
