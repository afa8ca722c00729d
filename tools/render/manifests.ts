import { parseAllDocuments } from "yaml";

/** An object of Kubernetes, as a manifest has it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
  };
  // biome-ignore lint/suspicious/noExplicitAny: manifests are of many kinds
  [field: string]: any;
}

/** The manifests of a YAML stream, without empty documents. */
export const documents = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml).flatMap((document) => document.toJS() ?? []);

/** What makes an object the same one in two renders. */
export const id = ({ apiVersion, kind, metadata }: Manifest): string =>
  [apiVersion.replace(/\/.*|^v\d\w*$/, ""), kind, metadata.namespace ?? "", metadata.name].join(
    "/",
  );
