/** What a program must be able to do that sends one short text to a receiver that waits. @module */
import type { Contender } from "../bench-case.ts";
import type { MeasuredProcess } from "../measure/measured-process.ts";

export interface TextContender extends Omit<Contender, "run"> {
  /** Starts the receiver of the next text; absent: nobody has to wait. */
  readonly receive?: () => MeasuredProcess;
  readonly send: () => MeasuredProcess;
}
