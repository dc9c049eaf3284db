/**
 * The one place where a pump waits. Whatever happens - a frame, a drained pipe, a read block, a
 * timer, a cancel - says {@link notify}; the pump looks at everything again. A notice that comes
 * while nobody waits is kept.
 */
export class Wake {
  #noticed = false;
  #resolve: (() => void) | undefined;

  notify(): void {
    this.#noticed = true;
    this.#resolve?.();
  }

  async wait(): Promise<void> {
    if (!this.#noticed) await new Promise<void>((resolve) => (this.#resolve = resolve));
    this.#resolve = undefined;
    this.#noticed = false;
  }
}
