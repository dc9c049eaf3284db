/** A journal of one content in memory: all that it was told, and a way to fail. @module */
import type { PartJournal, PartNote } from "../src/api.ts";

export class MemoryJournal implements PartJournal {
  readonly written: PartNote[] = [];
  note: PartNote | undefined;
  /** Called before each note is kept, with what throws there. */
  onWrite: (note: PartNote) => void | Promise<void> = () => {};

  async read(): Promise<PartNote | undefined> {
    return this.note;
  }

  async write(note: PartNote): Promise<void> {
    await this.onWrite(note);
    this.written.push(note);
    this.note = note;
  }

  async drop(): Promise<void> {
    this.note = undefined;
  }
}
