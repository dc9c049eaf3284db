/** The three ways a master key travels. Their numbers stand in every outer header. */
export type Profile = "symmetric" | "asymmetric" | "end-to-end";

const NUMBERED: readonly (Profile | undefined)[] = [
  undefined,
  "symmetric",
  "asymmetric",
  "end-to-end",
];
const PROFILE_AT = 3;

/** The profile an outer header names: version u8, suite u16, then profile u8 in each of them. */
export function profileOf(outer: Uint8Array): Profile | undefined {
  return NUMBERED[outer[PROFILE_AT] ?? 0];
}
