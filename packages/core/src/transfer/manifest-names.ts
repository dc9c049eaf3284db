/**
 * What a name in a manifest may be. docs/protocol-manifest.md.
 *
 * @module
 */

/**
 * Why this is not one name that points nowhere; `undefined` when it is. Reserved names, invisible
 * characters and the like are the receiver's to map: they name one file wherever they come from.
 */
export function nameFault(name: string): string | undefined {
  if (PLAIN.test(name)) return undefined;
  if (name === "") return "an empty name";
  if (name === "." || name === "..") return "a name that is a place";
  if (/[/\\]/u.test(name)) return "a path separator in a name";
  if (name.includes("\0")) return "a NUL in a name";
  if (/^[a-z]:/iu.test(name)) return "a drive";
  return name.isWellFormed() ? undefined : "half a surrogate pair";
}

/** Most names: letters, digits and marks that mean nothing, beginning with none of them. */
const PLAIN = /^[a-z0-9_][\w .()+,;=@~#&-]*$/iu;

/**
 * Names that some file system takes for one become equal: without regard to case (Windows, macOS)
 * and to the normalization form (macOS).
 */
export function foldName(name: string): string {
  if (ASCII.test(name)) return name.toLowerCase();
  const folded = name.normalize("NFC").toUpperCase().normalize("NFC").toLowerCase();
  return folded.normalize("NFC");
}

const ASCII = /^[\x20-\x7e]*$/u;

/**
 * Whether a link whose directory is `depth` below the root can lead out of the entry at the top
 * that it belongs to. `..` behind a name is refused as well: the name may be a link, and then
 * nobody can tell where its parent is.
 */
export function linkLeavesTop(target: string, depth: number): boolean {
  const parts = target.split("/");
  let up = 0;
  while (parts[up] === "..") up += 1;
  if (up >= depth) return true;
  const down = parts.slice(up);
  if (down.length === 0) return up === 0;
  return down.some((part) => nameFault(part) !== undefined);
}
