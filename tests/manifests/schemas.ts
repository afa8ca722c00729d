import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../tools/cli/command.ts";
import type { Manifest } from "../../tools/render/manifests.ts";

// The schemas and types are older than what the clusters run: kubernetes-models 5.1.0 is of Kubernetes 1.36, where the
// clusters have 1.37, and @kubernetes-models/argo-cd 4.0.0 is of a release before Argo CD 3.6. A field that came later, such
// as an AppProject's sourceIntegrity, fails here until the packages have it.

/** The package that has the schema and the type of a kind. */
const model = ({ apiVersion, kind }: Manifest) => {
  const ofRollouts = ["AnalysisTemplate", "Rollout"].includes(kind);
  const models = apiVersion.startsWith("argoproj.io/")
    ? `@kubernetes-models/argo-${ofRollouts ? "rollouts" : "cd"}`
    : "kubernetes-models";
  return `${models}/${apiVersion}/${kind}`;
};

/** @returns what the schema of its kind says against a manifest; undefined when nothing */
export async function violation(manifest: Manifest): Promise<string | undefined> {
  try {
    const { [manifest.kind]: Model } = await import(model(manifest));
    new Model(manifest).validate();
  } catch (error) {
    return `${manifest.kind} ${manifest.metadata?.name}: ${(error as Error).message}`;
  }
}

/**
 * The schemas let unknown fields pass, and with them every misspelt one. The compiler does not: each
 * manifest becomes a literal of the type of its kind.
 * @returns what the compiler says against the manifests, a line each
 */
export async function unknownFields(manifests: Manifest[], name: string): Promise<string> {
  // Within node_modules, so that the types are found and no other check sees the file.
  const folder = `node_modules/.cache/manifests/${name}`;
  mkdirSync(folder, { recursive: true });
  const literals = manifests.map(
    (manifest, index) =>
      `import type { I${manifest.kind} as Type${index} } from "${model(manifest)}";\n` +
      `export const ${manifest.kind}${index}: Type${index} = ${JSON.stringify(manifest, null, 1)};\n`,
  );
  writeFileSync(join(folder, "manifests.ts"), literals.join("\n"));
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      files: ["manifests.ts"],
      compilerOptions: {
        noEmit: true,
        strict: true,
        module: "nodenext",
        skipLibCheck: true,
        types: [],
      },
    }),
  );
  return run("node_modules/.bin/tsc", ["--pretty", "false", "--project", folder]).then(
    () => "",
    (error: Error) => error.message.split("\n").slice(1).join("\n"),
  );
}
