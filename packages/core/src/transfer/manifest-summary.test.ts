import assert from "node:assert/strict";
import { test } from "node:test";
import type { ManifestEntry } from "./manifest.ts";
import { summarizeManifest } from "./manifest-summary.ts";

test("summarizeManifest() counts what is in a manifest", () => {
  const entries: ManifestEntry[] = [
    directory("d"),
    file("d/a", 3),
    directory("d/e"),
    file("d/e/b", 4),
    file("d/e/zero", 0),
    { kind: "link", path: "d/l", target: "a" },
  ];
  const expected = { files: 3, folders: 2, links: 1, bytes: 7, dangerous: [] };
  assert.deepEqual(summarizeManifest({ entries }), expected);
});

test("F-08 summarizeManifest() marks what is hidden, runs, or is run by others", () => {
  for (const [path, why] of [
    [".bashrc", "runs by itself"],
    ["home/.BASH_PROFILE", "runs by itself"],
    [".ssh/authorized_keys", "runs by itself"],
    ["x/.ssh/id_ed25519", "runs by itself"],
    [".git/hooks/post-checkout", "runs by itself"],
    [".git/config", "runs by itself"],
    [".config/autostart/x.desktop", "runs by itself"],
    ["x.desktop", "runs by itself"],
    ["Desktop.ini", "runs by itself"],
    ["AutoRun.inf", "runs by itself"],
    ["Start Menu/Programs/Startup/a.txt", "runs by itself"],
    [".config/systemd/user/a.service", "runs by itself"],
    ["photo.jpg.exe", "executable"],
    ["a.SCR", "executable"],
    ["install.sh", "executable"],
    [".hidden", "hidden"],
    ["d/.cache", "hidden"],
    ["a.txt", undefined],
    ["d.git/config", undefined],
    ["authorized_keys.txt", undefined],
    ["bashrc", undefined],
    ["startup.txt", undefined],
  ] as const)
    assert.deepEqual(
      summarizeManifest({ entries: [file(path, 1)] }).dangerous,
      why === undefined ? [] : [{ path, why }],
      path,
    );
});

test("F-08 summarizeManifest() marks programs by their mode, directories by their name", () => {
  const entries: ManifestEntry[] = [
    directory(".ssh"),
    directory("autostart"),
    { ...file("d/tool", 1), mode: 0o755 },
    { ...file("d/.tool", 1), mode: 0o100 },
    { kind: "link", path: "d/.l", target: "a" },
    { kind: "link", path: "d/.zshrc", target: "a" },
  ];
  assert.deepEqual(summarizeManifest({ entries }).dangerous, [
    { path: ".ssh", why: "hidden" },
    { path: "d/tool", why: "executable" },
    { path: "d/.tool", why: "executable" },
    { path: "d/.l", why: "hidden" },
    { path: "d/.zshrc", why: "runs by itself" },
  ]);
});

function file(path: string, size: number): Extract<ManifestEntry, { kind: "file" }> {
  return { kind: "file", path, size, mode: 0o644, modifiedMs: 1 };
}

function directory(path: string): ManifestEntry {
  return { kind: "directory", path, mode: 0o755, modifiedMs: 1 };
}
