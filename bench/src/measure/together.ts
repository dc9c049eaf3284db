/** Programs that end together: when one fails or none comes to an end, all are stopped. @module */
import type { MeasuredProcess, Usage } from "./measured-process.ts";

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
