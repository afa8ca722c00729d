import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import test from "ava";
import { commandsUnder } from "../../tools/repository/markdown-commands.ts";
import { anchors } from "../support/markdown.ts";

const documents = [
  "README.md",
  "payment-service/bench/README.md",
  ...readdirSync("docs").map((name) => `docs/${name}`),
];

/** The text that is neither a block of code nor code within a line. */
const prose = (text: string) => text.replace(/^ *```.*?^ *```$/gms, "").replace(/`[^`\n]*`/g, "");

/** @returns the links of a document that lead to no file of this repository, or to no heading of it */
function broken(document: string, root = "."): string[] {
  const links = [...prose(readFileSync(join(root, document), "utf8")).matchAll(/\]\(([^)\s]+)\)/g)];
  return links
    .map(([, link = ""]) => link)
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = join(root, path ? posix.join(dirname(document), path) : document);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchors(readFileSync(target, "utf8")).includes(anchor);
    });
}

for (const document of documents) {
  test(`${document}: every link leads to a file, and to a heading of it`, (t) => {
    t.deepEqual(broken(document), []);
  });
}

test("the check itself: a file or a heading that is missing is found, code is not read", (t) => {
  const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "docs"));
  writeFileSync(join(root, "README.md"), "# One\n## It's `two`, or three\n```sh\n# four\n```\n");
  const links = [
    ...["../README.md", "../README.md#its-two-or-three", "#here", "https://example.com/#no"],
    ...["README.md", "../README.md#two", "../README.md#four", "#there"],
  ];
  const text = `# Here\n${links.map((link) => `[a](${link})`).join(", ")}\n\`[b](no.md)\`\n`;
  writeFileSync(join(root, "docs/a.md"), `${text}\n\`\`\`\n[c](no.md)\n\`\`\`\n`);
  t.deepEqual(broken("docs/a.md", root), links.slice(4));
});

test("commands under a heading that is missing, or without a command, are an error", (t) => {
  t.throws(() => commandsUnder("docs/operations.md", "The cluster is here"), {
    message: 'docs/operations.md has no commands under "The cluster is here"',
  });
  t.throws(() => commandsUnder("docs/operations.md", "A port is taken"), {
    message: /no commands/,
  });
  t.deepEqual(commandsUnder("docs/operations.md", "The cluster is gone"), [
    "make down\nmake up RESTORE=1\n",
  ]);
});
