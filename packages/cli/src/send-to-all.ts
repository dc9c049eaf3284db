/**
 * One content to several receivers at once: each with a key, a verdict and a receipt of its own.
 *
 * Invariant: none waits for another; what one does changes nothing for the others.
 *
 * @module
 */
import type { Connected } from "./connect-client.ts";
import { contentLabel } from "./content-label.ts";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { sendContent, type SendPlan } from "./send-content.ts";
import { recipientOutput } from "./terminal/recipient-output.ts";

interface Outcome {
  readonly name: string;
  readonly exitCode: ExitCode;
}

export async function sendToAll(
  context: Context,
  connected: Connected,
  names: readonly string[],
  plan: Omit<SendPlan, "to">,
): Promise<ExitCode> {
  const { output, interrupted } = context;
  const columns = Math.max(...names.map(({ length }) => length));
  const { rateLimit } = plan;
  // The limit is of this computer's way out, which they share.
  const share = rateLimit && Math.max(1, Math.floor(rateLimit / names.length));
  const outcomes = await Promise.all(
    names.map(async (name): Promise<Outcome> => {
      const own = { ...context, output: recipientOutput(output, name, columns) };
      try {
        await sendContent(own, connected, { ...plan, to: name, rateLimit: share });
        return { name, exitCode: EXIT.done };
      } catch (error) {
        const { exitCode } = interrupted;
        return { name, exitCode: exitCode ?? own.output.fail(error) };
      }
    }),
  );
  tellOutcomes(context, contentLabel(plan.parcel.info), outcomes);
  return interrupted.exitCode ?? exitCodeOfAll(outcomes);
}

function tellOutcomes({ output }: Context, content: string, outcomes: readonly Outcome[]): void {
  const delivered = outcomes.filter(({ exitCode }) => exitCode === EXIT.done);
  const failed = outcomes.filter(({ exitCode }) => exitCode !== EXIT.done);
  const namesOf = (some: readonly Outcome[]): string => some.map(({ name }) => name).join(", ");
  const line = `${content} is with ${delivered.length} of ${outcomes.length}`;
  const names = delivered.length > 0 ? `: ${namesOf(delivered)}` : "";
  if (failed.length === 0) output.say(output.paint("green", line + names));
  else output.warn(`${line}${names}; not with ${namesOf(failed)}`);
  output.event({
    type: "receivers-served",
    delivered: delivered.map(({ name }) => name),
    failed: failed.map(({ name }) => name),
  });
}

/** Nothing hides an alarm; else some and none are told apart. */
function exitCodeOfAll(outcomes: readonly Outcome[]): ExitCode {
  const codes = new Set(outcomes.map(({ exitCode }) => exitCode));
  for (const alarm of [EXIT.keyChanged, EXIT.integrity]) if (codes.has(alarm)) return alarm;
  if (codes.size === 1) return outcomes[0]?.exitCode ?? EXIT.done;
  return codes.has(EXIT.done) ? EXIT.partly : EXIT.failed;
}
