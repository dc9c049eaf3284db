import type { ContentInfo } from "./api.ts";

/** Whether two say the same of themselves; what is in them is compared by who has them. */
export function isSameContent(one: ContentInfo, other: ContentInfo): boolean {
  return (
    one.kind === other.kind &&
    one.name === other.name &&
    one.size === other.size &&
    one.manifest?.entries === other.manifest?.entries &&
    one.manifest?.bytes === other.manifest?.bytes
  );
}
