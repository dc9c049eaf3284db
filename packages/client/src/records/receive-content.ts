import type { ReceiveRecordsOptions, RecordsResult } from "./options.ts";

/**
 * Receives records into `sink`; commits, tells the sender `done`, resolves.
 *
 * @throws {@link PosternError} `signal.reason`, or what the sink, the pipe or the peer did.
 */
export async function receiveRecords(options: ReceiveRecordsOptions): Promise<RecordsResult> {
  throw new Error(`not yet: ${options.fromOffset}`);
}
