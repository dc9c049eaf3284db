/**
 * The file `vectors/end-to-end.json`: its shape, and its channels with the packages put where the
 * file only gives their places.
 *
 * @module
 */
import { readVectors, type VectorParty } from "./exchange-vectors.ts";
import type {
  ChannelInputs,
  EndToEndExpected,
  EndToEndInputs,
  PackageInputs,
} from "./plain-end-to-end.ts";

/** `packageSeed`: of the key in `package`. */
export interface VectorChannel {
  readonly name: string;
  readonly inputs: ChannelInputs & { readonly packageSeed: string };
  readonly expected: readonly EndToEndExpected[];
}

interface Place {
  readonly name: string;
  readonly channel: number;
  readonly transfer: number;
  readonly outcome: string;
}

interface Vectors {
  readonly now: number;
  readonly parties: Readonly<Record<"sender" | "receiver" | "stranger", VectorParty>>;
  readonly packages: readonly {
    readonly name: string;
    readonly inputs: PackageInputs;
    readonly expected: { readonly publicKey: string; readonly bytes: string };
  }[];
  readonly channels: readonly (Pick<VectorChannel, "name" | "expected"> & {
    readonly inputs: Omit<ChannelInputs, "package" | "transfers"> & {
      readonly package: number;
      readonly transfers: readonly (Omit<EndToEndInputs, "replyPackage"> & {
        readonly replyPackage: number | null;
      })[];
    };
  })[];
  readonly resyncs: readonly (Omit<Place, "outcome"> & {
    readonly epoch: number | null;
    readonly expected: number;
    readonly bytes: string;
  })[];
  readonly envelopes: readonly {
    readonly kind: "close" | "receipt" | "resync";
    readonly channel: number;
    readonly transfer: number;
    readonly resync?: number;
    readonly bytes: string;
  }[];
  readonly refused: {
    readonly packages: readonly {
      readonly name: string;
      readonly now: number;
      readonly bytes: string;
      readonly outcome: string;
    }[];
    readonly offers: readonly (Place & {
      readonly outer?: string;
      readonly sealedHeader?: string;
      readonly content?: string;
      /** The envelope's transfer id, when it is not that of the transfer. */
      readonly tid?: string;
      /** Transfers that the receiver has had; as many as came before when it is not given. */
      readonly after?: number;
      /** The receiver's, when it is not the channel's. */
      readonly pairingSecret?: string | null;
    })[];
    readonly answers: readonly (Place & { readonly sealed: string })[];
    readonly receipts: readonly (Place & { readonly sealed: string })[];
    readonly resyncs: readonly (Place & { readonly bytes: string })[];
    readonly envelopes: readonly {
      readonly name: string;
      readonly bytes: string;
      readonly outcome: string;
    }[];
  };
}

export const vectors = readVectors("end-to-end.json") as Vectors;

export const channels: readonly VectorChannel[] = vectors.channels.map(
  ({ name, inputs, expected }) => ({
    name,
    expected,
    inputs: {
      ...inputs,
      package: packageAt(inputs.package),
      packageSeed: vectors.packages[inputs.package]!.inputs.seed,
      transfers: inputs.transfers.map((transfer) => ({
        ...transfer,
        replyPackage: transfer.replyPackage === null ? "" : packageAt(transfer.replyPackage),
      })),
    },
  }),
);

function packageAt(place: number): string {
  return vectors.packages[place]!.expected.bytes;
}
