import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";

/** A release on GitHub with a gzipped tar archive for each platform. */
export interface Release {
  version: string;
  /** @param platform such as linux_amd64 */
  url: (platform: string) => string;
  /** SHA-256 of the archives, in hexadecimal digits, by platform. */
  sha256: Record<string, string>;
}

const kustomizeVersion = "5.8.1";

/** Kustomize's, with the checksums that the release itself has in checksums.txt. */
export const kustomizeRelease: Release = {
  version: kustomizeVersion,
  url: (platform) =>
    "https://github.com/kubernetes-sigs/kustomize/releases/download/" +
    `kustomize%2Fv${kustomizeVersion}/kustomize_v${kustomizeVersion}_${platform}.tar.gz`,
  sha256: {
    linux_amd64: "029a7f0f4e1932c52a0476cf02a0fd855c0bb85694b82c338fc648dcb53a819d",
    linux_arm64: "0953ea3e476f66d6ddfcd911d750f5167b9365aa9491b2326398e289fef2c142",
    darwin_amd64: "ee7cf0c1e3592aa7bb66ba82b359933a95e7f2e0b36e5f53ed0a4535b017f2f8",
    darwin_arm64: "8886f8a78474e608cc81234f729fda188a9767da23e28925802f00ece2bab288",
  },
};

/** This machine's platform, as Go calls it. */
const thisPlatform = `${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}`;

/**
 * Downloads a program.
 * @param name of the file in the archive
 * @returns its bytes
 * @throws Error where there is none for this platform, GitHub does not answer, or the archive is another one
 */
export async function programOf(
  { url, sha256 }: Release,
  name: string,
  platform = thisPlatform,
): Promise<Buffer> {
  const expected = sha256[platform];
  if (!expected) throw new Error(`It has no release for ${platform}.`);
  const response = await fetch(url(platform), { signal: AbortSignal.timeout(120_000) }).catch(
    (error: Error) => {
      const why = (error.cause as Error)?.message ?? error.message;
      throw new Error(`${new URL(url(platform)).host} does not answer (${why}).`);
    },
  );
  if (!response.ok) throw new Error(`${response.url} answers ${response.status}.`);
  const archive = Buffer.from(await response.arrayBuffer());
  const found = createHash("sha256").update(archive).digest("hex");
  if (found !== expected) {
    throw new Error(`${response.url} is not what was released: its SHA-256 is ${found}.`);
  }
  return fileIn(gunzipSync(archive), name);
}

/** A file of a tar archive: each one's bytes follow a header, in blocks of 512. */
function fileIn(tar: Buffer, name: string): Buffer {
  const block = 512;
  for (let start = 0; start + block <= tar.length; ) {
    const text = (offset: number, length: number) =>
      tar.toString("utf8", start + offset, start + offset + length).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 12) || "0", 8);
    const begin = start + block;
    if (text(0, 100) === name) return tar.subarray(begin, begin + size);
    start = begin + Math.ceil(size / block) * block;
  }
  throw new Error(`There is no ${name} in the archive.`);
}
