import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import { connectNode } from "./connect-node.ts";
import { openHome } from "./home.ts";

test("connectNode() needs the passphrase before it tells a relay anything", async (t) => {
  const options = { home: await scratch(t), name: "alice" };
  const home = await openHome(options);
  await home.setPassphrase(utf8("correct horse"));
  await home.close();
  // Nobody listens on the port of TCPMUX: whoever gets that far is refused.
  const connecting = (passphrase?: string) =>
    connectNode({
      ...options,
      relay: "127.0.0.1:1",
      passphrase: passphrase === undefined ? undefined : async () => utf8(passphrase),
    });
  await assert.rejects(connecting(), hasCode("store/locked"));
  await assert.rejects(connecting("battery staple"), hasCode("store/wrong-passphrase"));
  await assert.rejects(connecting("correct horse"), hasCode("relay/unreachable"));
  await assert.rejects(connecting("correct horse"), hasCode("relay/unreachable"), "free again");
});
