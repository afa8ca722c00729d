import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";

/** Releases on GitHub, each with a gzipped tar archive for each platform. */
export interface Releases {
  /** @param platform such as linux_amd64 */
  archive: (version: string, platform: string) => string;
  url: (version: string, archive: string) => string;
  /** SHA-256 in hexadecimal digits, by the archive's name: only these are taken. */
  sha256: Record<string, string>;
}

/** Kustomize's. The checksums are from checksums.txt of the release, and have to move with .tool-versions. */
export const kustomizeReleases: Releases = {
  archive: (version, platform) => `kustomize_v${version}_${platform}.tar.gz`,
  url: (version, archive) =>
    `https://github.com/kubernetes-sigs/kustomize/releases/download/kustomize%2Fv${version}/${archive}`,
  sha256: {
    "kustomize_v5.8.1_linux_amd64.tar.gz":
      "029a7f0f4e1932c52a0476cf02a0fd855c0bb85694b82c338fc648dcb53a819d",
    "kustomize_v5.8.1_linux_arm64.tar.gz":
      "0953ea3e476f66d6ddfcd911d750f5167b9365aa9491b2326398e289fef2c142",
    "kustomize_v5.8.1_darwin_amd64.tar.gz":
      "ee7cf0c1e3592aa7bb66ba82b359933a95e7f2e0b36e5f53ed0a4535b017f2f8",
    "kustomize_v5.8.1_darwin_arm64.tar.gz":
      "8886f8a78474e608cc81234f729fda188a9767da23e28925802f00ece2bab288",
  },
};

/** This machine's platform, as Go calls it. */
const thisPlatform = `${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}`;

/**
 * Downloads a program.
 * @param name of the file in the archive
 * @returns its bytes
 * @throws Error where no archive is known for this platform, GitHub does not answer, or the archive is another one
 */
export async function programOf(
  releases: Releases,
  version: string,
  name: string,
  platform = thisPlatform,
): Promise<Buffer> {
  const archive = releases.archive(version, platform);
  const url = releases.url(version, archive);
  const expected = releases.sha256[archive];
  if (!expected) throw new Error(`No checksum of ${archive} is known here.`);
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) }).catch(
    (error: Error) => {
      const why = (error.cause as Error)?.message ?? error.message;
      throw new Error(`${new URL(url).host} does not answer (${why}).`);
    },
  );
  if (!response.ok) throw new Error(`${url} answers ${response.status}.`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== expected) {
    throw new Error(`${url} is not what was released: its SHA-256 is ${found}.`);
  }
  const extract = ["-xzOf", "-", name];
  const { status, stdout, stderr } = spawnSync("tar", extract, {
    input: bytes,
    maxBuffer: 2 ** 30,
  });
  if (status === 0) return stdout;
  throw new Error(`There is no ${name} in the archive. ${stderr ?? "tar is not here."}`);
}
