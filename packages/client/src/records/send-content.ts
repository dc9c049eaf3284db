import type { RecordsResult, SendRecordsOptions } from "./options.ts";

/**
 * Sends the content of `source` from `fromOffset` on; resolves when the receiver's `done` matches
 * total and digest.
 *
 * @throws {@link PosternError} `signal.reason`, or what the source, the pipe or the peer did.
 */
export async function sendRecords(options: SendRecordsOptions): Promise<RecordsResult> {
  throw new Error(`not yet: ${options.fromOffset}`);
}
