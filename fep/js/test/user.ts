// What somebody who writes TypeScript sees of the package: this file is compiled against `types`, never run.
import { digestOf, issue, parseHeader, unverified, verify, type Verdict, type Verification } from "mediaattest";

declare const privateKey: CryptoKey;
declare const media: Uint8Array;

export async function attest(): Promise<string> {
  const statement = { privateKey, kid: "https://a.example/#key", issuer: "https://a.example/", now: 1795300000 };
  // @ts-expect-error: what was checked has to be said
  await issue({ ...statement, digest: await digestOf(media) });
  return issue({ ...statement, digest: await digestOf(media), checks: [{ algorithm: "pdq", list: "https://a.example/1" }] });
}

export async function judge(found: unknown): Promise<Verification> {
  const circumstances = { received: media, actors: new Map(), trustedIssuers: new Set<string>(), now: 1795300000 };
  // @ts-expect-error: which lists are accepted is a decision
  await verify(found, circumstances);
  return verify(found, { ...circumstances, acceptedLists: null, status: async () => "standing" as const });
}

export function explain(result: Verification): string {
  if (result.valid) return result.attestation.checks.map((check) => check.list).join();
  // @ts-expect-error: what failed need not have stated anything
  result.attestation.checks;
  switch (result.verdict) {
    case "key-unavailable":
      return result.temporary satisfies true && `later: ${result.step satisfies 5 | 11}`;
    case "hash-mismatch":
      return `${result.step satisfies 8 | 9} ${result.issuerClass satisfies "trusted" | "self"}`;
    case "missing":
    case "malformed":
    case "untrusted-issuer":
    case "unknown-key":
    case "revoked-key":
    case "bad-signature":
    case "expired":
    case "not-yet-valid":
    case "no-accepted-check":
    case "revoked":
      return result.reason;
    default:
      return result satisfies never;
  }
}

export const tokens: string[] = parseHeader(new Headers().get("media-attestation"));
export const issuer: string | undefined = unverified(tokens[0])?.issuer;
// @ts-expect-error: no such verdict
export const verdict: Verdict = "safe";
