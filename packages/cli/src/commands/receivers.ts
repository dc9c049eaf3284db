/** `postern receivers`: who can be sent to now. @module */
import { groupBase32 } from "@postern/core/bytes";
import { connectClient } from "../connect-client.ts";
import type { Context } from "../context.ts";
import { orAborted, within } from "../deadline.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { PosternError } from "@postern/core/errors";
import { safeText } from "../terminal/safe-text.ts";

export async function receivers(context: Context): Promise<ExitCode> {
  const { output, interrupted, timeoutMs } = context;
  const connected = await connectClient(context, "asking again");
  const list = async (): Promise<number> => {
    let count = 0;
    for await (const { name, fingerprint, free, profiles } of connected.client.receivers()) {
      count++;
      output.event({ type: "receiver", name, fingerprint, free, profiles });
      const words = `${free} free  ${profiles.map(safeText).join(",")}`;
      output.result(
        `${safeText(name).padEnd(20)}  ${words}  ${groupBase32(safeText(fingerprint))}`,
      );
    }
    return count;
  };
  try {
    const late = (): Error => new PosternError("link/timed-out", "no list within --timeout");
    const count = await orAborted(within(list(), timeoutMs, late), interrupted.signal);
    output.event({ type: "receivers", count });
    if (count === 0) output.say(`nobody is waiting for offers at ${context.relay.shown}`);
    return EXIT.done;
  } finally {
    await connected.close();
  }
}
