import type { Suite } from "../crypto/suite.ts";

/** What the records need of the suite. */
export type RecordSuite = Pick<Suite, "seal" | "open" | "sha256Stream">;
