/** The profiles, and what each lets the relay do. @module */
import type { ProfileName } from "@postern/client";
import { usageFailure } from "./failures.ts";
import { safeText } from "./terminal/safe-text.ts";

/** Shown at both ends of every transfer. */
export const RELAY_CAN: Readonly<Record<ProfileName, string>> = {
  symmetric: "symmetric: the relay is trusted with the key and could read this",
  asymmetric: "asymmetric: the relay cannot read this; it is trusted to say who is who",
  "end-to-end": "end-to-end: the relay sees who, when and how much; it cannot read this",
};

/** The other two are used only when both ends name them with `--profile`. */
export const PROFILE_DEFAULT: ProfileName = "end-to-end";
const PROFILES: readonly ProfileName[] = ["end-to-end", "symmetric", "asymmetric"];

export function parseProfile(text: string): ProfileName {
  const profile = PROFILES.find((name) => name === text);
  if (profile !== undefined) return profile;
  throw usageFailure(
    `--profile ${safeText(text.slice(0, 40))} is not available`,
    "there is no such profile",
    `use --profile ${PROFILES.join(" or ")}`,
  );
}

/** What a receiver takes: one profile or several, `symmetric,asymmetric`. */
export function parseProfiles(text: string): readonly ProfileName[] {
  return [...new Set(text.split(",").map((name) => parseProfile(name.trim())))];
}
