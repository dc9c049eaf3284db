/**
 * What a person is shown of a manifest before consent: how much, and what to look at twice.
 *
 * @module
 */
import type { Manifest, ManifestEntry } from "./manifest.ts";

export interface ManifestSummary {
  readonly files: number;
  /** Directories. */
  readonly folders: number;
  readonly links: number;
  /** Of all files. */
  readonly bytes: number;
  /** In the manifest's order; each entry once, for the worst that can be said of it. */
  readonly dangerous: readonly DangerousEntry[];
}

export interface DangerousEntry {
  readonly path: string;
  readonly why: Danger;
}

/** Not in a usual listing; a program; something that systems or programs obey unasked. */
export type Danger = "hidden" | "executable" | "runs by itself";

export function summarizeManifest(manifest: Manifest): ManifestSummary {
  let files = 0;
  let folders = 0;
  let links = 0;
  let bytes = 0;
  const dangerous: DangerousEntry[] = [];
  for (const entry of manifest.entries) {
    if (entry.kind === "file") {
      files += 1;
      bytes += entry.size;
    } else if (entry.kind === "directory") folders += 1;
    else links += 1;
    const why = dangerOf(entry);
    if (why !== undefined) dangerous.push({ path: entry.path, why });
  }
  return { files, folders, links, bytes, dangerous };
}

function dangerOf(entry: ManifestEntry): Danger | undefined {
  const { path } = entry;
  if (entry.kind !== "directory" && RUNS.test(path)) return "runs by itself";
  if (entry.kind === "file" && ((entry.mode & 0o111) !== 0 || PROGRAM.test(path)))
    return "executable";
  return path.startsWith(".", path.lastIndexOf("/") + 1) ? "hidden" : undefined;
}

/**
 * Read by a shell at its start, by `ssh` or `git` at work, by a desktop at login or when a folder
 * is looked at.
 */
const RUNS = new RegExp(
  [
    String.raw`(?:^|/)\.(?:(?:bash|zsh|k|c|tc)(?:rc|_?login|_?logout)|(?:bash_|z)?profile|zshenv)$`,
    String.raw`(?:^|/)\.(?:xinitrc|xsession|xprofile|vimrc|nvimrc|emacs|gitconfig|npmrc|envrc)$`,
    String.raw`(?:^|/)(?:\.ssh/.+|authorized_keys2?|\.git/(?:hooks/.+|config)|crontab)$`,
    String.raw`(?:^|/)(?:autostart|launchagents|launchdaemons|startup|cron\.[a-z]+)/.+$`,
    String.raw`(?:^|/)systemd/user/.+$`,
    String.raw`(?:^|/)(?:desktop\.ini|autorun\.inf|\.directory|\.vscode/tasks\.json)$`,
    String.raw`\.(?:desktop|lnk|url|scf|service|timer)$`,
  ].join("|"),
  "iu",
);

/** By their names alone, on one system or another. */
const PROGRAM =
  /\.(?:exe|com|bat|cmd|scr|pif|msi|ps1|vbs|vbe|jse?|wsf|hta|cpl|reg|jar|app|command|sh|appimage|deb|rpm|dmg|pkg)$/iu;
