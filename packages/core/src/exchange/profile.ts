/** The three ways a master key travels. Their numbers stand in every outer header. */
export const PROFILES = ["symmetric", "asymmetric", "end-to-end"] as const;
export type Profile = (typeof PROFILES)[number];

const PROFILE_AT = 3;

/** The profile an outer header names: version u8, suite u16, then profile u8 in each of them. */
export function profileOf(outer: Uint8Array): Profile | undefined {
  return PROFILES[(outer[PROFILE_AT] ?? 0) - 1];
}

export function profileNumber(profile: Profile): number {
  return PROFILES.indexOf(profile) + 1;
}
