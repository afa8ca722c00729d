import { parse } from "yaml";
import { type Fields, here, images as imagesOf } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const payment = "apps/payment/base/rollout.yaml";
const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const policy = "clusters/base/policies/images.yaml";

/** Whether an image is one and the same tomorrow: a digest, or a tag that is a version. */
export const isPinned = (image: string): boolean =>
  /@sha256:[0-9a-f]{64}$/.test(image) || /:v?\d+\.\d+\.\d+[\w.-]*$/.test(image);

export const images: Rule[] = [
  {
    title: "Every image is pinned",
    check: async (repository) => {
      const rendered = await each(repository.entryPoints, async (folder) =>
        // What is no overlay leaves the tag to those.
        /^apps\/[^/]+\/(?!overlays\/)/.test(folder)
          ? []
          : each(imagesOf(await repository.render(folder)), (image) =>
              unless(isPinned(image), `${folder}: ${image} is not pinned`),
            ),
      );
      const files = repository.allFiles.filter((file) =>
        /(^|\/)(Dockerfile|kind\.yaml)$/.test(file),
      );
      const others = await each(files, (file) =>
        each(repository.read(file).matchAll(/^(?:FROM|\s+image:) (\S+)/gm), ([, image = ""]) =>
          unless(image === "scratch" || isPinned(image), `${file}: ${image} is not pinned`),
        ),
      );
      return [...rendered, ...others];
    },
    mutations: [
      {
        what: "an image with the tag latest",
        file: "clusters/local/kind.yaml",
        from: "kindest/node:",
        to: "kindest/node:latest # ",
        says: /kindest\/node:latest is not pinned/,
      },
      {
        what: "a second container with the tag latest",
        file: payment,
        from: "      containers:\n",
        to: "      containers:\n        - name: proxy\n          image: envoyproxy/envoy:latest\n",
        says: /envoyproxy\/envoy:latest is not pinned/,
      },
    ],
  },
  {
    title: "Each overlay names its service's image, by digest once it was built",
    check: (repository) =>
      each(repository.overlays, (folder) => {
        const { images = [] } = parse(repository.read(`${folder}/kustomization.yaml`));
        const [{ name, newTag, digest, ...others } = {} as Record<string, unknown>] = images;
        const service = folder.split("/")[1];
        const wasBuilt = /^\d{8}-[0-9a-f]{12}$/.test(`${newTag}`);
        return [
          ...same(
            `${folder}: images`,
            [images.length, name],
            [1, `${repository.registry}/${service}`],
          ),
          ...same(`${folder}: other fields`, Object.keys(others), []),
          // Before its first build a service has no digest.
          ...unless(
            wasBuilt || /^\d+\.\d+\.\d+$/.test(`${newTag}`),
            `${folder}: ${newTag} is no tag of a build`,
          ),
          ...unless(!wasBuilt || digest, `${folder}: no digest`),
        ];
      }),
    mutations: [
      {
        what: "an overlay without a digest",
        file: overlay,
        from: "    digest: sha256:",
        to: "    # sha256:",
        says: /apps\/payment\/overlays\/testing: no digest/,
      },
      {
        what: "an overlay with the tag latest",
        file: overlay,
        from: "    newTag: ",
        to: "    newTag: latest # ",
        says: /latest is no tag of a build/,
      },
      {
        what: "an image of another registry",
        file: overlay,
        from: "    newTag: ",
        to: "    newName: docker.io/somebody/payment\n    newTag: ",
        says: /other fields: \["newName"\]/,
      },
    ],
  },
  {
    title: "The API server refuses every image of another owner or without a digest",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const manifests = await repository.platform(environment);
        const policy = manifests.find(
          ({ kind, metadata }) =>
            kind === "ValidatingAdmissionPolicy" && metadata.name === "images",
        )?.spec;
        const said = policy?.variables.find(({ name }: Fields) => name === "allowed")?.expression;
        const allowed = new RegExp(`${said}`.slice(1, -1));
        const digest = `@sha256:${"0".repeat(64)}`;
        return [
          ...repository.services.flatMap((service) => [
            ...unless(
              allowed.test(`${repository.registry}/${service}:1.0.0${digest}`),
              `${environment}: ${service}'s image is refused`,
            ),
            ...unless(
              !allowed.test(`${repository.registry}/${service}:1.0.0`),
              `${environment}: an image without a digest is let in`,
            ),
          ]),
          ...[
            `${repository.registry.replace("ghcr", "docker")}/payment${digest}`,
            `ghcr.io/somebody/pe-gitops/payment${digest}`,
            `ghcr.io/${repository.owner.toLowerCase()}/another/payment${digest}`,
          ].flatMap((image) => unless(!allowed.test(image), `${environment}: ${image} is let in`)),
        ];
      }),
    mutations: [
      {
        what: "a policy that admits the images of everybody",
        file: policy,
        from: `${here.registry.replace(".", "[.]")}/`,
        to: "ghcr[.]io/[a-z]+/[a-z-]+/",
        says: /ghcr.io\/somebody\/pe-gitops\/payment@sha256:0+ is let in/,
      },
      {
        what: "a policy that admits tags",
        file: policy,
        from: "@sha256:[0-9a-f]{64}$",
        to: "(@sha256:[0-9a-f]{64})?$",
        says: /an image without a digest is let in/,
      },
    ],
  },
];
