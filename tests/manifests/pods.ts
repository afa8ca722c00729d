import { isDeepStrictEqual } from "node:util";
import type { Manifest } from "../../tools/render/manifests.ts";
import { containers, type Fields, podSpecs, type Repository } from "../support/repository.ts";
import { check, each, type Rule, same } from "./rule.ts";

/** Every pod of every overlay, with the words that say which it is. */
async function podsOf(repository: Repository) {
  const all = await Promise.all(
    repository.overlays.map(async (folder) =>
      podSpecs(await repository.render(folder)).map((pod) => ({
        ...pod,
        what: `${folder}: ${pod.kind} ${pod.name}`,
      })),
    ),
  );
  return all.flat();
}

const deployments = (manifests: Manifest[]) =>
  manifests.filter(({ kind }) => kind === "Deployment");

export const pods: Record<string, Rule> = {
  "every pod is restricted": async (repository) =>
    each(await podsOf(repository), ({ what, spec }) => [
      ...same(`${what}: token`, spec.automountServiceAccountToken, false),
      ...same(`${what}: service links`, spec.enableServiceLinks, false),
      ...check(spec.securityContext?.runAsNonRoot === true, `${what} may run as root`),
      ...check(spec.securityContext?.runAsUser > 0, `${what} runs as no user of its own`),
      ...same(`${what}: seccomp`, spec.securityContext?.seccompProfile, { type: "RuntimeDefault" }),
      ...["hostNetwork", "hostPID", "hostIPC"].flatMap((field) =>
        check(!spec[field], `${what} has ${field}`),
      ),
      ...containers(spec).flatMap(({ name, securityContext }) =>
        same(`${what}, ${name}`, securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        }),
      ),
    ]),

  "every container is probed at a port that it opens": async (repository) =>
    each(await podsOf(repository), ({ what, spec }) =>
      each(spec.containers, (container: Fields) =>
        each(["startupProbe", "readinessProbe", "livenessProbe"], (probe) => {
          const ports = (container.ports ?? []).map(({ name }: { name: string }) => name);
          return check(
            ports.includes(container[probe]?.httpGet?.port),
            `${what}, ${container.name}: no ${probe} at one of its ports`,
          );
        }),
      ),
    ),

  "every container asks for what it needs, and is limited": async (repository) =>
    each(await podsOf(repository), ({ what, spec }) =>
      each(containers(spec), ({ name, resources = {} }) =>
        each(["requests", "limits"], (kind) =>
          each(["cpu", "memory"], (resource) =>
            check(resources[kind]?.[resource], `${what}, ${name}: no ${kind} of ${resource}`),
          ),
        ),
      ),
    ),

  "a new version takes over without a gap, and one that writes a volume alone": async (
    repository,
  ) =>
    each(repository.overlays, async (folder) =>
      each(deployments(await repository.render(folder)), ({ metadata, spec }) => {
        const what = `${folder}: ${metadata.name}`;
        const pod = spec.template.spec;
        const writes = (pod.volumes ?? []).some(
          (volume: object) => "persistentVolumeClaim" in volume,
        );
        const { strategy = {}, progressDeadlineSeconds } = spec;
        return [
          ...check(progressDeadlineSeconds <= 300, `${what}: a stuck rollout is not reported`),
          // What payment takes to be forgotten and to finish, its DRAIN_SECONDS and 10 more, and some.
          ...check(
            pod.terminationGracePeriodSeconds >= 20,
            `${what}: a pod is killed before it finished`,
          ),
          ...(writes
            ? same(`${what}: pods that write`, [spec.replicas, strategy.type], [1, "Recreate"])
            : [...same(`${what}: maxUnavailable`, strategy.rollingUpdate?.maxUnavailable, 0)]),
        ];
      }),
    ),

  "what is scaled by an autoscaler has no number of replicas": async (repository) =>
    each(repository.overlays, async (folder) => {
      const manifests = await repository.render(folder);
      const scaled = manifests
        .filter(({ kind }) => kind === "HorizontalPodAutoscaler")
        .map(({ spec }) => spec.scaleTargetRef.name);
      return each(deployments(manifests), ({ metadata: { name }, spec }) =>
        check(
          scaled.includes(name) === (spec.replicas === undefined),
          `${folder}: ${name} has ${spec.replicas} replicas in Git and ${scaled.length} autoscalers`,
        ),
      );
    }),

  "a drain leaves a pod of what is scaled": async (repository) =>
    each(repository.overlays, async (folder) => {
      const manifests = await repository.render(folder);
      const budgets = manifests.filter(({ kind }) => kind === "PodDisruptionBudget");
      return each(
        manifests.filter(({ kind }) => kind === "HorizontalPodAutoscaler"),
        ({ spec: { scaleTargetRef, minReplicas } }) => {
          const { name } = scaleTargetRef;
          const pods = deployments(manifests).find(({ metadata }) => metadata.name === name);
          const budget = budgets.find(({ spec }) =>
            isDeepStrictEqual(spec.selector, pods?.spec.selector),
          );
          return [
            ...check(minReplicas >= 2, `${folder}: one pod of ${name} may be all of them`),
            ...check(budget, `${folder}: a drain may take every pod of ${name}`),
            ...same(`${folder}: ${name} without`, budget?.spec.maxUnavailable, 1),
          ];
        },
      );
    }),

  "a changed value is another ConfigMap, so that the pods roll": async (repository) =>
    each(repository.overlays, async (folder) => {
      const manifests = await repository.render(folder);
      return each(
        manifests.filter(({ kind }) => kind === "ConfigMap"),
        ({ metadata: { name } }) =>
          check(/-[a-z0-9]{10}$/.test(name), `${folder}: ${name} has no hash of its content`),
      );
    }),

  "invoices outlive the manifest of their volume": async (repository) =>
    each(repository.overlays, async (folder) => {
      const manifests = await repository.render(folder);
      return each(
        manifests.filter(({ kind }) => kind === "PersistentVolumeClaim"),
        ({ metadata }) =>
          same(
            `${folder}: volume ${metadata.name}`,
            metadata.annotations?.["argocd.argoproj.io/sync-options"],
            "Prune=false,Delete=false",
          ),
      );
    }),
};
