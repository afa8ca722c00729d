import { readFile } from "node:fs/promises";

/**
 * Reads a bearer token from a file. The kubelet replaces the file well before the token in it
 * expires, so whoever needs the token reads it again each time.
 * @throws Error naming the file, when it cannot be read or holds no token
 */
export async function tokenIn(file: string): Promise<string> {
  const content = await readFile(file, "utf8").catch((cause) => {
    throw new Error(`cannot read the token in ${file}`, { cause });
  });
  const token = content.trim();
  // fetch would refuse such a header too, but with the content in its message.
  if (!/^[\w.~+/-]+=*$/.test(token)) throw new Error(`${file} holds no token`);
  return token;
}
