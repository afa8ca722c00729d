import { readFileSync } from "node:fs";
import { UserError } from "../cli/command.ts";

/**
 * The repository that Argo CD reads.
 * @param kustomization the text of clusters/repository/kustomization.yaml
 * @returns its owner and name on GitHub, such as an-owner/pe-gitops
 * @throws UserError when it is elsewhere
 */
export function nameOnGitHub(
  kustomization = readFileSync("clusters/repository/kustomization.yaml", "utf8"),
): string {
  const url = /value: ["']?([^\s"']+)/.exec(kustomization)?.[1] ?? "nowhere";
  const form = /^(?:https:\/\/|ssh:\/\/git@|git@)github\.com[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/;
  const name = form.exec(url)?.[1];
  if (name) return name;
  throw new UserError(
    `The repository is at ${url}, and that is not GitHub: protect its main with the means of that place. ` +
      "If it is on GitHub, say so in clusters/repository/kustomization.yaml, as https://github.com/owner/name.git.",
  );
}
