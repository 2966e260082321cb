// The JavaScript side of bench/attest.py: CPU seconds for so many statements issued, or verified.
import { digestOf, importSeed, issue, verify } from "../fep/js/src/index.js";
import { serve } from "../tests/interop/lines.mjs";

async function seconds(count, work) {
  const start = process.cpuUsage();
  for (let number = 0; number < count; number++) await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

await serve({
  async issue({ count, seed, media, ...statement }) {
    const privateKey = await importSeed(Uint8Array.from(Buffer.from(seed, "hex")));
    const digest = await digestOf(Buffer.from(media, "base64"));
    return await seconds(count, () => issue({ ...statement, privateKey, digest }));
  },
  async verify({ count, attestation, digest, actors, trusted, lists, now }) {
    const known = { received: digest, declaredHashes: [digest], actors, now };
    const [trustedIssuers, acceptedLists] = [new Set(trusted), new Set(lists)];
    return await seconds(count, async () => {
      const { valid, reason } = await verify(attestation, { ...known, trustedIssuers, acceptedLists });
      if (!valid) throw new Error(reason);
    });
  },
});
