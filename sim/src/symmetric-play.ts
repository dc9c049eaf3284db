/**
 * One run of the symmetric profile: Alice, Bob and a relay on a bad day, then everything must come
 * to an end, and what is left must work.
 *
 * @module
 */
import { say, type Ledger, type Name } from "./ledger.ts";
import { clientOf, plan, send } from "./script.ts";
import type { Stage } from "./stage.ts";

export async function playSymmetric(stage: Stage, ledger: Ledger): Promise<void> {
  await stage.badDay(plan);
  for (const from of ["alice", "alice", "bob"] as const) await goodTransfer(stage, ledger, from);
  await stage.quiet();
  ledger.check();
  stage.checkLists();
  stage.cast.relay.inspect();
}

/** With nothing in its way, a transfer arrives, and leaves a key that the next one uses. */
async function goodTransfer(stage: Stage, ledger: Ledger, from: Name): Promise<void> {
  const count = ledger.entries.length;
  const had = clientOf(stage.cast, from).disk.kept("sending") !== undefined;
  const isThere = isGoodSecond(ledger, from);
  send(stage.cast, from);
  await stage.run(() => ledger.entries.length > count, 60_000);
  const entry = ledger.entries[count];
  if (entry === undefined) return stage.fail(`liveness: ${from} finds nobody after all is over`);
  await stage.quiet();
  if (entry.sender?.kind !== "done" || !entry.sender.nextMasterKey)
    stage.fail(`master keys: a good transfer ended as ${say(entry.sender)}`);
  const { events } = entry;
  if (had !== events.includes("kept"))
    stage.fail(`master keys: ${from} ${had ? "has" : "has no"} key, yet ${events.join(", ")}`);
  if (isThere && events.includes("key-renewed"))
    stage.fail("master keys: a key of both sides is not known");
}

/** Whether the last transfer of `from` has left a key with both sides. */
function isGoodSecond(ledger: Ledger, from: Name): boolean {
  const last = ledger.entries.findLast((entry) => entry.from === from);
  return last?.calm === true && last.sender?.kind === "done" && last.sender.nextMasterKey;
}
