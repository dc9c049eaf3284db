/**
 * A simulated client's key packages: its stock at the relay is compared and topped up when it
 * begins to receive and after each that was used; secrets are durable before their packages leave
 * (docs/protocol-end-to-end.md 7.3.2).
 *
 * @module
 */
import { makePackage, planStock, type HeldPackage, type MadePackage } from "@postern/core/exchange";
import type { PackageType } from "@postern/core/identity";
import type { ChannelDisk } from "./channel-disk.ts";
import type { ClientDriver } from "./client-driver.ts";

const PROFILES_ALL = 7;

export class PackageDesk {
  readonly #client: ClientDriver;
  readonly #disk: ChannelDisk;
  #isBusy = false;
  #isWanted = false;

  constructor(client: ClientDriver, disk: ChannelDisk) {
    this.#client = client;
    this.#disk = disk;
  }

  get isIdle(): boolean {
    return !this.#isBusy;
  }

  /** Compares the stock; again afterwards when this is called meanwhile. */
  check(): void {
    if (this.#isBusy) {
      this.#isWanted = true;
      return;
    }
    this.#isBusy = true;
    this.#client.ask({ kind: "publish", replace: false, packages: [] }, (answer) =>
      answer?.kind === "packages-held" ? this.#renew(answer.held) : this.#done(),
    );
  }

  /** One for the other direction, to go with an offer. */
  reply(then: (encoded: Uint8Array) => void): void {
    const made = this.#make("reply");
    this.#keep([made], () => then(made.encoded));
  }

  /** The client has crashed. */
  drop(): void {
    this.#isBusy = false;
    this.#isWanted = false;
  }

  #renew(held: readonly HeldPackage[]): void {
    const plan = planStock(this.#disk.packages(), held, this.#client.now);
    const made = plan.make.map((type) => this.#make(type));
    if (made.length === 0 && !plan.replace) return this.#done();
    this.#keep(made, () => {
      this.#disk.dropPackages(plan.forget);
      const packages = made.map(({ encoded }) => encoded);
      this.#client.ask({ kind: "publish", replace: plan.replace, packages }, () => this.#done());
    });
  }

  #keep(made: readonly MadePackage[], then: () => void): void {
    const client = this.#client;
    client.later(client.ports.world.prng.below(4), () => {
      client.mayCrash("before key packages are stored");
      this.#disk.savePackages(made);
      client.mayCrash("behind stored key packages");
      then();
    });
  }

  #make(type: PackageType): MadePackage {
    const { ports, self, now } = this.#client;
    return makePackage(ports.suite, self.identity, type, PROFILES_ALL, now);
  }

  #done(): void {
    this.#isBusy = false;
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.check();
  }
}
