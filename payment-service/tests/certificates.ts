// Certificates for tests, as DER has them, so that no test needs openssl.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A DER value: its tag, its length, what it holds. */
function der(tag: number, ...parts: (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = content;
  const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...(length < 128 ? [length] : long)]), content]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, "hex"));
const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
const name = (text: string) => sequence(der(0x31, sequence(oid("550403"), der(0x0c, text))));
const extension = (hex: string, value: Buffer) => sequence(oid(hex), der(0x04, value));

/** A certificate in PEM and its key. A CA signs others; a server's is for 127.0.0.1. */
export interface Certificate {
  cert: string;
  key: string;
}

/** @param by the CA; without it the certificate is a CA's own */
export function certificate(subject: string, by?: { subject: string; key: string }): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issued = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name(by?.subject ?? subject),
    sequence(der(0x18, "20200101000000Z"), der(0x18, "20991231235959Z")),
    name(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(
      0xa3,
      sequence(
        by
          ? extension("551d11", sequence(der(0x87, Buffer.from([127, 0, 0, 1]))))
          : extension("551d13", sequence(der(0x01, Buffer.from([255])))),
      ),
    ),
  );
  const signature = sign("sha256", issued, by?.key ?? (privateKey as KeyObject));
  const whole = sequence(issued, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString("base64").match(/.{1,64}/g) as string[];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}
