// make status: what is deployed, as Argo CD sees it.
import { styleText } from "node:util";
import { main } from "../cli/command.ts";
import { table } from "../cli/table.ts";
import { Kubectl, reasons } from "../kubernetes/cluster.ts";

main(async () => {
  const kubectl = await Kubectl.current();
  const applications = await kubectl.applications();
  const mark = (text = "Unknown") =>
    styleText(["Synced", "Healthy"].includes(text) ? "green" : "yellow", text);
  console.log(
    table([
      ["app", "revision", "image", "sync", "health"],
      ...applications.map(({ metadata, status }) => [
        metadata.name,
        status?.sync?.revision?.slice(0, 7) ?? "",
        status?.summary?.images?.join(", ") ?? "",
        mark(status?.sync?.status),
        mark(status?.health?.status),
      ]),
    ]),
  );
  for (const application of applications) {
    for (const reason of reasons(application))
      console.log(`\n  ${application.metadata.name}: ${reason}`);
  }
});
