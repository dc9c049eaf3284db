/** What a program in a comparison must be able to do: carry one file through a relay. @module */
import type { Usage } from "./measured-process.ts";

export interface Contender {
  readonly name: string;
  /** What is measured, in a few words. */
  readonly what: string;
  /** Why it cannot run here; `undefined` when it can. */
  absence(): string | undefined;
  /** Once, before the first run, and not measured. */
  prepare(folder: string): Promise<void>;
  run(task: Task): Promise<Run>;
}

export interface Task {
  readonly file: string;
  /** An empty folder; the output must stand alone in it afterwards. */
  readonly outputFolder: string;
}

export interface Run {
  /** From the start of the sender until sender and receiver have both ended. */
  readonly wallMs: number;
  /** From the receiver's consent to its confirmation; absent for programs without either. */
  readonly transferMs: number | undefined;
  readonly sender: Usage;
  readonly relay: Usage;
  readonly receiver: Usage;
}
