/** Programs that end together: when one fails or none comes to an end, all are stopped. @module */
import type { MeasuredProcess, Usage } from "./measured-process.ts";
import { untilListening } from "./ports.ts";

/** More than anything here takes: a run that hangs must not hold up the others. */
const ENDED_WITHIN_MS = 15 * 60_000;

/**
 * What each cost.
 *
 * @throws what the first of them to fail said, when all have been stopped
 */
export async function untilAllEnded<const Programs extends readonly MeasuredProcess[]>(
  programs: Programs,
  withinMs = ENDED_WITHIN_MS,
): Promise<{ readonly [At in keyof Programs]: Usage }> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`it did not end within ${withinMs / 1_000} s`)),
    withinMs,
  );
  const ended = Promise.all(programs.map(async (program) => await program.ended));
  try {
    const usages: readonly Usage[] = await Promise.race([ended, late.promise]);
    return usages as { readonly [At in keyof Programs]: Usage };
  } catch (error) {
    await stopAll(programs);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Whatever they were doing; those that have ended are left alone. */
export async function stopAll(programs: readonly MeasuredProcess[]): Promise<void> {
  for (const program of programs) program.stop();
  await Promise.allSettled(programs.map(async (program) => await program.ended));
}

/**
 * Until a program listens on all of its ports. One that does not, or that ends before, is stopped.
 *
 * @param pid any process of the network that the ports are in, where it is not ours
 * @throws why it does not listen
 */
export async function listening(
  program: MeasuredProcess,
  ports: readonly number[],
  pid?: number,
): Promise<MeasuredProcess> {
  const ended = program.ended.then(() => {
    throw new Error("it ended before anybody had connected");
  });
  const listens = Promise.all(ports.map(async (port) => await untilListening(port, pid)));
  try {
    await Promise.race([listens, ended]);
    return program;
  } catch (error) {
    await stopAll([program]);
    throw error;
  }
}
