import { dirname } from "node:path";
import { nameOnGitHub } from "../../tools/github/name.ts";

/** This repository on GitHub, as its own files say: a fork under another owner passes the same tests. */
export const onGitHub = nameOnGitHub();
export const owner = dirname(onGitHub);
/** Where its images are. Their names have no capitals. */
export const registry = `ghcr.io/${onGitHub.toLowerCase()}`;
