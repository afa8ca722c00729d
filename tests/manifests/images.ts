import { parse } from "yaml";
import { type Fields, images as imagesOf } from "../support/repository.ts";
import { check, each, type Rule, same } from "./rule.ts";

/** Whether an image is one and the same tomorrow: a digest, or a tag that is a version. */
export const isPinned = (image: string): boolean =>
  /@sha256:[0-9a-f]{64}$/.test(image) || /:v?\d+\.\d+\.\d+[\w.-]*$/.test(image);

export const images: Record<string, Rule> = {
  "every image is pinned": async (repository) => {
    const rendered = await each(repository.entryPoints, async (folder) =>
      // A base leaves the tag to its overlays.
      folder.endsWith("/base")
        ? []
        : each(imagesOf(await repository.render(folder)), (image) =>
            check(isPinned(image), `${folder}: ${image} is not pinned`),
          ),
    );
    const files = repository.allFiles.filter((file) => /(^|\/)(Dockerfile|kind\.yaml)$/.test(file));
    const others = await each(files, (file) =>
      each(repository.read(file).matchAll(/^(?:FROM|\s+image:) (\S+)/gm), ([, image = ""]) =>
        check(image === "scratch" || isPinned(image), `${file}: ${image} is not pinned`),
      ),
    );
    return [...rendered, ...others];
  },

  "each overlay says which image of its service runs, and one that was built by its digest": (
    repository,
  ) =>
    each(repository.overlays, (folder) => {
      const { images = [] } = parse(repository.read(`${folder}/kustomization.yaml`));
      const [{ name, newTag, digest, ...others } = {} as Record<string, unknown>] = images;
      const service = folder.split("/")[1];
      const wasBuilt = /^\d{8}-[0-9a-f]{12}$/.test(`${newTag}`);
      return [
        ...same(`${folder}: images`, [images.length, name], [1, `ghcr.io/bpesics/pe-${service}`]),
        ...same(`${folder}: other fields`, Object.keys(others), []),
        // Before its first build a service has no digest.
        ...check(
          wasBuilt || /^\d+\.\d+\.\d+$/.test(`${newTag}`),
          `${folder}: ${newTag} is no tag of a build`,
        ),
        ...check(!wasBuilt || digest, `${folder}: no digest`),
      ];
    }),

  "the API server refuses every image that is not ours, or not by its digest": (repository) =>
    each(repository.environments, async (environment) => {
      const manifests = await repository.platform(environment);
      const ofKind = (wanted: string) => manifests.find(({ kind }) => kind === wanted);
      const policy = ofKind("ValidatingAdmissionPolicy")?.spec;
      const binding = ofKind("ValidatingAdmissionPolicyBinding")?.spec;
      const said = policy?.variables.find(({ name }: Fields) => name === "allowed")?.expression;
      const allowed = new RegExp(`${said}`.slice(1, -1));
      const digest = `@sha256:${"0".repeat(64)}`;
      return [
        ...same(`${environment}: policy`, policy?.failurePolicy, "Fail"),
        ...same(`${environment}: binding`, binding, {
          policyName: "images",
          validationActions: ["Deny", "Audit"],
        }),
        ...repository.services.flatMap((service) => [
          ...check(
            allowed.test(`ghcr.io/bpesics/pe-${service}:1.0.0${digest}`),
            `${environment}: ${service}'s image is refused`,
          ),
          ...check(
            !allowed.test(`ghcr.io/bpesics/pe-${service}:1.0.0`),
            `${environment}: an image without a digest is let in`,
          ),
        ]),
        ...[
          `docker.io/bpesics/pe-payment${digest}`,
          `ghcr.io/somebody/pe-payment${digest}`,
        ].flatMap((image) => check(!allowed.test(image), `${environment}: ${image} is let in`)),
      ];
    }),
};
