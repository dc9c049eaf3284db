/** Door of the `session` room. @module */
export type { RecordSuite } from "./session/record-seal.ts";
export type { SessionKeySink, SessionKeySource } from "./session/session-keys.ts";
