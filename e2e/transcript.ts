/**
 * Transcripts of whole sessions, kept as text that people read. What differs from run to run is
 * replaced by words; with POSTERN_UPDATE_TRANSCRIPTS=1 the kept ones are written anew.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

const KEPT = join(import.meta.dirname, "transcripts");

/** Compares what a terminal showed with the transcript of that name. */
export async function matchesTranscript(
  name: string,
  shown: string,
  folder: string,
): Promise<void> {
  const path = join(KEPT, `${name}.txt`);
  const text = `${withoutChance(shown, folder)}\n`;
  if (process.env["POSTERN_UPDATE_TRANSCRIPTS"] === "1") {
    await mkdir(KEPT, { recursive: true });
    await writeFile(path, text);
  }
  assert.equal(text, await readFile(path, "utf8"));
}

/** Addresses, keys, codes, folders, times, rates and shares are another matter in every run. */
function withoutChance(text: string, folder: string): string {
  return (
    text
      .replaceAll(folder, "FOLDER")
      .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
      .replaceAll(/(?:[a-z2-7]{4}-){12}[a-z2-7]{4}/g, "FINGERPRINT")
      .replaceAll(/(?:[a-z2-7]{4}-){2}[a-z2-7]{4}\.\.\./g, "FINGERPRINT...")
      .replaceAll(/\b[1-9]\d*(?:-[a-z]{3,8}){2}\b/g, "CODE")
      .replaceAll(/(?:\b\d{5} ){5}\d{5}\b/g, "SIX GROUPS OF FIVE DIGITS")
      .replaceAll(/^[█▀▄ ]{20,}(?:\n[█▀▄ ]{20,})*$/gm, "QR CODE")
      .replaceAll(/\b\d{4}-\d\d-\d\d\b/g, "DATE")
      .replaceAll(/, [\d.]+ [KMG]?B\/s/g, "")
      .replaceAll(/\b\d+(?:\.\d+)? s\b/g, "N s")
      .replaceAll(/\bkey \d+ \w+ old\b/g, "key AGE old")
      .replaceAll(/\b\d+ % {2,}/g, "N %  ")
      .replaceAll(/\b\d+ %(?= )/g, "N %")
      .replaceAll(/\([\d.]+\/([\d.]+ MB)\)/g, "(N/$1)")
      .replaceAll(/, the last [\d.]+ [kKM]?B\b/g, ", the last N MB")
      .replaceAll(/\b\d+ seconds? ago {2,}/g, "N seconds ago  ")
      .replaceAll(/\b\d+ seconds? ago$/gm, "N seconds ago")
      // A withdrawal may overtake the same word under a key.
      .replaceAll(/ \(not confirmed\)$/gm, "")
      .replaceAll(/^( {2}why: {2})so says the relay .* if true: /gm, "$1")
      // It may come a line earlier or later.
      .replaceAll(/^an earlier transfer to .*\n/gm, "")
      .replaceAll(/\b[0-9a-f]{8}(?=["\s]|$)/gm, "ID")
      .replaceAll(/-[a-z2-7]{16}(?=\/)/g, "-FINGERPRINT")
  );
}
