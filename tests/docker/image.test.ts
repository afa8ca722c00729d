import test from "ava";
import { contents } from "../../payment-service/bench/image.ts";
import { run } from "../../tools/cli/command.ts";

const own = {
  payment: ["/main.cjs", "/node", "/sbom.cdx.json", "/snapshot.blob"],
  antaeus: [
    ...["/etc/litestream.yml", "/etc/ssl/certs/ca-certificates.crt", "/litestream"],
    ...["/main.cjs", "/node", "/sbom.cdx.json"],
  ],
};
const services = ["payment", "antaeus"] as const;
const imageOf = (service: string) => `localhost/pe-gitops-e2e-${service}-image`;
const image = imageOf("payment");
const container = "pe-gitops-e2e-payment-image";

test.before("the images are built", async () => {
  // An interrupted run leaves it.
  await run("docker", ["rm", "--force", container]);
  for (const service of services) {
    const file = ["--file", `${service}-service/Dockerfile`, "."];
    await run("docker", ["build", "--quiet", "--tag", imageOf(service), ...file]);
  }
});
test.after.always(async () => {
  await run("docker", ["rm", "--force", container]);
  for (const service of services) await run("docker", ["rmi", "--force", imageOf(service)]);
});

for (const service of services) {
  test(`${service}'s holds Node, its libraries and the service, and says so`, async (t) => {
    const { files, sbom } = await contents(imageOf(service));
    const paths = files.map(({ path }) => path);
    const libraries = paths.filter((path) => /\.so(\.\d+)*$/.test(path));
    t.deepEqual(paths.toSorted(), [...own[service], ...libraries].toSorted());

    const listed = sbom.components.flatMap(({ evidence }) =>
      evidence.occurrences.map(({ location }) => location),
    );
    const described = paths.filter((path) => path !== "/sbom.cdx.json");
    t.deepEqual([...new Set(listed)].toSorted(), described.toSorted());
    for (const purl of ["pkg:npm/%40hapi/hapi@", "pkg:deb/debian/libc6@", "pkg:generic/openssl@"])
      t.true(
        sbom.components.some((component) => component.purl?.startsWith(purl)),
        purl,
      );

    const compressed = files.reduce((sum, file) => sum + file.compressed, 0);
    t.log(`${(compressed / 1e6).toFixed(1)} MB compressed`);
    // Litestream is 14 of Antaeus'.
    t.true(compressed < { payment: 50e6, antaeus: 60e6 }[service]);
  });
}

for (const program of [
  "/bin/sh",
  "/bin/bash",
  "/busybox/sh",
  "/usr/bin/apt",
  "/usr/local/bin/npm",
]) {
  test(`it has no ${program}`, async (t) => {
    const { message } =
      (await t.throwsAsync(run("docker", ["run", "--rm", "--entrypoint", program, image]))) ?? {};
    t.regex(message ?? "", /no such file or directory/);
  });
}

test("control: what it has can be run", async (t) => {
  t.regex(await run("docker", ["run", "--rm", "--entrypoint", "/node", image, "--version"]), /^v/);
});

test("it runs as nobody in particular, and writes nowhere", async (t) => {
  await run("docker", [
    ...["run", "--detach", "--name", container, "--read-only", "--cap-drop", "ALL"],
    ...["--security-opt", "no-new-privileges", "--env", "CALLER=anybody", image],
  ]);
  const inside = (code: string) => run("docker", ["exec", container, "/node", "-p", code]);
  t.is(await inside("process.getuid()"), "1000");
  t.is(
    await inside("try { fs.writeFileSync('/x', ''); 'written' } catch ({ code }) { code }"),
    "EROFS",
  );
  const charge = `fetch("http://127.0.0.1:9000/api/v1/charge", { method: "POST", headers: { "content-type": "application/json" }, body: '{"currency":"EUR","value":1,"customer_id":1}' }).then((answer) => answer.text()).then(console.log)`;
  t.regex(
    await run("docker", ["exec", container, "/node", "-e", charge]),
    /^\{"result":(true|false)\}$/,
  );
});

test("without the snapshot the bundle starts all the same", async (t) => {
  const printed = await run("docker", [
    ...["run", "--rm", "--env", "PORT=x", "--entrypoint", "/node", image, "/main.cjs"],
  ]).catch((error: Error) => error.message);
  t.regex(printed, /The environment is wrong: "PORT"/);
});
