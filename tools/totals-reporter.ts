/**
 * A node:test reporter that writes nothing but the run's totals, as one line of JSON: several runs
 * are then added up (`run-tests.ts`).
 *
 * @module
 */
import type { TestEvent } from "node:test/reporters";

export default async function* totalsReporter(
  events: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
  for await (const event of events)
    // With a file it is that file's summary; the run's own comes last and has none.
    if (event.type === "test:summary" && event.data.file === undefined)
      yield `${JSON.stringify(event.data.counts)}\n`;
}
