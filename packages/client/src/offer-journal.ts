/**
 * The journal of one offer's sink. When a sink has stored all of its content it drops the note; but
 * its sender does not know so yet. Should it never hear, because this process or the link ends
 * first, it comes again: by the note, kept for a while, nothing is sent or stored twice.
 *
 * @module
 */
import type { PartJournal, PartNote } from "./api.ts";

/** What is behind the journal. */
export interface KeptNote extends PartJournal {
  /** All of the content is stored: nothing unfinished any more. */
  markWhole(): Promise<void>;
}

export class OfferJournal implements PartJournal {
  readonly #kept: KeptNote;
  #isRunning = false;
  #isDropped = false;

  constructor(kept: KeptNote) {
    this.#kept = kept;
  }

  async read(): Promise<PartNote | undefined> {
    return await this.#kept.read();
  }

  async write(note: PartNote): Promise<void> {
    this.#isDropped = false;
    await this.#kept.write(note);
  }

  async drop(): Promise<void> {
    this.#isDropped = true;
    if (!this.#isRunning) await this.#kept.drop();
  }

  /** The transfer begins. */
  begin(): void {
    this.#isRunning = true;
  }

  /** It is over. */
  async end(isStored: boolean): Promise<void> {
    this.#isRunning = false;
    if (this.#isDropped) await (isStored ? this.#kept.markWhole() : this.#kept.drop());
  }
}
