import { guard, sentence } from "../../tools/guard/guard.ts";
import { treeIn } from "../support/tree.ts";
import { ofFiles, ofKustomizations, ofObjects } from "./allowed.mutations.ts";
import type { Rule } from "./rule.ts";

/** What a team may merge. The same guard looks at a pull request before make preview renders it. */
export const allowed: Rule[] = [
  {
    title: "What is in apps/, and every kustomization, is what tools/guard/allowed.ts allows",
    check: (repository) =>
      guard(treeIn(repository.root)).map((finding) =>
        sentence(finding, [`@${repository.owner}/platform`]),
      ),
    mutations: [...ofFiles, ...ofKustomizations, ...ofObjects],
  },
];
