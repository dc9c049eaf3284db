/** How contacts look: as a line, as a page with safety number and QR code, as an event. @module */
import { groupBase32 } from "@postern/core/bytes";
import type { ChannelInfo, Contact } from "@postern/client";
import type { Context } from "./context.ts";
import { trustLabel } from "./people.ts";
import { formatAge, plural } from "./terminal/format.ts";
import type { JsonEvent } from "./terminal/output.ts";
import { safeText } from "./terminal/safe-text.ts";
import { fitWidth, padWidth } from "./terminal/width.ts";

const NAME_COLUMNS = 20;
const GROUPS_IN_A_LINE = 6;

export function contactEvent(contact: Contact): JsonEvent {
  const { name, fingerprint, relayName, trust, blocked, paired, addedAt } = contact;
  return {
    type: "contact",
    name,
    fingerprint,
    relayName,
    trust,
    blocked,
    paired,
    addedAt,
    safetyNumber: contact.safetyNumber.join(" "),
    channels: contact.channels.map((channel) => ({
      profile: "end-to-end",
      role: channel.role,
      epoch: channel.epoch,
      transfers: channel.transfers,
      unacknowledged: channel.unacknowledged,
      renewedAt: channel.renewedAt,
    })),
  };
}

/** `bob  verified  paired  abcd-...` */
export function contactLine(contact: Contact): string {
  const { name, fingerprint } = contact;
  const shown = padWidth(fitWidth(safeText(name), NAME_COLUMNS), NAME_COLUMNS);
  const state = padWidth(contactState(contact), 22);
  return `${shown}  ${state}  ${groupBase32(safeText(fingerprint))}`;
}

/** `verified, paired, BLOCKED` */
export function contactState({ trust, paired, blocked }: Contact): string {
  const words = [trustLabel(trust)];
  if (paired) words.push("paired");
  if (blocked) words.push("BLOCKED");
  return words.join(", ");
}

export async function showContact(context: Context, contact: Contact): Promise<void> {
  const { output, surroundings } = context;
  const { name, relayName, fingerprint, addedAt } = contact;
  const since = new Date(addedAt).toISOString().slice(0, 10);
  output.result(`name           ${safeText(name)}`);
  output.result(`at the relay   ${safeText(relayName)}`);
  output.result(`fingerprint    ${groupBase32(safeText(fingerprint))}`);
  output.result(`trust          ${contactState(contact)}`);
  output.result(`contact since  ${since}`);
  for (const line of channelLines(contact, surroundings.wallNow())) output.result(line);
  await showSafetyNumber(context, contact);
}

/** One line for each direction of the keys. */
export function channelLines({ channels }: Contact, now: number): string[] {
  return channels.map((channel) => `${channel.role.padEnd(13)}  ${channelState(channel, now)}`);
}

export async function showSafetyNumber(context: Context, contact: Contact): Promise<void> {
  const { output } = context;
  for (const [at, line] of safetyNumberLines(contact).entries())
    output.result(`${(at === 0 ? "safety number" : "").padEnd(13)}  ${line}`);
  await showQrCode(context, contact);
}

/** Two lines of six groups. */
function safetyNumberLines({ safetyNumber }: Contact): string[] {
  const groups = safetyNumber.map(safeText);
  return [groups.slice(0, GROUPS_IN_A_LINE), groups.slice(GROUPS_IN_A_LINE)].map((line) =>
    line.join(" "),
  );
}

/** Only for eyes and cameras: a pipe gets the number alone. */
async function showQrCode({ output, surroundings }: Context, contact: Contact): Promise<void> {
  const { stdout } = surroundings;
  if (output.json || stdout.isTTY !== true) return;
  const { safetyNumberQrText } = await import("@postern/core/pairing");
  const { renderQrCode } = await import("./terminal/qr-code.ts");
  const text = safetyNumberQrText(contact.safetyNumber);
  const bare = renderQrCode(text, false);
  if (Array.from(bare[0] ?? "").length >= (stdout.columns || 80))
    return output.say("the window is too narrow for the QR code");
  const lines = output.hasColor ? renderQrCode(text, true) : bare;
  for (const line of lines) output.result(line);
}

function channelState(channel: ChannelInfo, now: number): string {
  const { epoch, transfers, unacknowledged, renewedAt } = channel;
  const open = unacknowledged === 0 ? "" : `, ${unacknowledged} without a receipt yet`;
  const age = formatAge(now - renewedAt);
  return `end-to-end, epoch ${epoch}, ${plural(transfers, "transfer")}${open}, key ${age} old`;
}
