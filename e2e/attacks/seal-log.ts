/**
 * Watches what a client seals: one key and one nonce must never seal two different things (C-04),
 * whatever a relay does and however often a device's state is set back.
 *
 * @module
 */
import { concat, hex } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import type { ClientPorts } from "@postern/client";
import { nativeSuite } from "@postern/node";

type Watched = Pick<ClientPorts, "suite" | "cipher">;

export class SealLog {
  /** Seals so far. */
  count = 0;
  /** Times that a key and a nonce sealed something else than before. */
  repeated = 0;
  /** What was sealed, by key and nonce: digests alone. */
  readonly #seen = new Map<string, string>();

  /** The same ports, watched. */
  watch({ suite, cipher }: Watched): Watched {
    return {
      suite: watchedSuite(suite, this),
      cipher: {
        seal: (plan, plaintext) => {
          this.note(plan.key, plan.nonce, plan.aad, plaintext);
          return cipher.seal(plan, plaintext);
        },
        open: (key, nonce, aad, sealed) => cipher.open(key, nonce, aad, sealed),
        release: (bytes) => cipher.release(bytes),
      },
    };
  }

  note(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): void {
    this.count++;
    const place = hex(nativeSuite.sha256(key, nonce));
    const lengths = new Uint8Array(new Uint32Array([aad.length]).buffer);
    const what = hex(nativeSuite.sha256(concat(lengths, aad), plaintext));
    const before = this.#seen.get(place);
    if (before !== undefined && before !== what) this.repeated++;
    this.#seen.set(place, what);
  }
}

function watchedSuite(suite: Suite, log: SealLog): Suite {
  return {
    ...suite,
    seal: (key, nonce, aad, plaintext) => {
      log.note(key, nonce, aad, plaintext);
      return suite.seal(key, nonce, aad, plaintext);
    },
  };
}
