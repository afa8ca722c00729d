import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { flagOption, nameOption, option, revisionOption } from "../../tools/cli/options.ts";

/** What is said of a value of the variable OPTION. */
function read<T>(value: string | undefined, look: (variable: string) => T): T {
  if (value === undefined) delete process.env.OPTION;
  else process.env.OPTION = value;
  return look("OPTION");
}

test.serial("an option is what its variable says, or its default", (t) => {
  t.is(
    read("x y", (name) => option(name, "z")),
    "x y",
  );
  for (const nothing of [undefined, ""]) {
    t.is(
      read(nothing, (name) => option(name, "z")),
      "z",
    );
    t.is(read(nothing, nameOption), "");
    t.is(read(nothing, flagOption), false);
    t.is(
      read(nothing, (name) => revisionOption(name, "HEAD")),
      "HEAD",
    );
  }
});

test.serial("names, commits and flags are refused that are none", (t) => {
  for (const name of ["payment", "invoices-mail", "a1"]) t.is(read(name, nameOption), name);
  for (const name of ["Payment", "1a", "-a", "a b", "a/b", "../a", "a\nb", "$a", "é", "a.b"]) {
    t.throws(() => read(name, nameOption), {
      name: "Error",
      message: /^OPTION must be a name of letters a to z, digits and hyphens, .* is "/,
    });
  }
  for (const revision of ["HEAD~1", "origin/main", "v1.0^{commit}", "1a2b3c4"])
    t.is(read(revision, revisionOption), revision);
  for (const revision of ["--output=x", "-p", "a b"]) {
    t.throws(() => read(revision, revisionOption), { message: /OPTION must be a commit/ });
  }
  t.true(read("1", flagOption));
  for (const flag of ["0", "true", "yes", "11"])
    t.throws(() => read(flag, flagOption), { message: /OPTION must be 1 or left out/ });
});

test("neither make nor a shell expands an option, given either way", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "made");
  for (const NAME of [`$(shell touch ${file})`, `$$(touch ${file})`, `"; touch ${file}; "`]) {
    for (const [args, env] of [
      [[`NAME=${NAME}`], process.env],
      [[], { ...process.env, NAME }],
    ] as const) {
      const make = run("make", ["--silent", "new-service", ...args], { env: { ...env } });
      const error = await t.throwsAsync(make);
      const said = error?.message ?? "";
      t.true(said.includes(`and is "${NAME}"`) || /NAME must be without a dollar/.test(said), said);
      t.false(existsSync(file), NAME);
    }
  }
});
