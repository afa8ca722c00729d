// make revert: what a commit brought whose deployment failed is taken back, by a commit on main.
import { main, UserError } from "../cli/command.ts";
import { nameOption, option, revisionOption } from "../cli/options.ts";
import { wasLive } from "../delivery/checks.ts";
import { mustResolve, needWholeHistory } from "../delivery/history.ts";
import { revert } from "../delivery/revert.ts";
import { git } from "../git/git.ts";

main(async () => {
  // As Argo CD names what it says of a commit; or what it is made of.
  const names = [nameOption("SERVICE"), nameOption("ENVIRONMENT") || "testing"];
  const context = option("CONTEXT", `argocd/${names.join("/")}`);
  const form = /^argocd\/([a-z][a-z0-9-]*)\/([a-z][a-z0-9-]*)$/;
  const [, service, environment] = form.exec(context) ?? [];
  const [at, live] = [revisionOption("COMMIT"), revisionOption("LIVE")];
  if (!service || !environment || !at)
    throw new UserError("Say what failed: make revert SERVICE=payment COMMIT=1a2b3c4");
  await needWholeHistory();
  const commit = await mustResolve(at, "mistyped, or not fetched yet?");
  const last = live && (await mustResolve(live, "mistyped, or not fetched yet?"));
  const reason = option("REASON");
  const outcome = await revert(".", {
    ...{ service, environment, commit, reason },
    wasLive: async (one) => (last ? one === last : wasLive(context, one)),
  });
  console.log(
    "commit" in outcome
      ? `▸ ${await git(["show", "--no-patch", "--format=%h %s", outcome.commit])}`
      : `▸ Nothing to revert for ${service} in ${environment}: ${outcome.skipped}.`,
  );
});
