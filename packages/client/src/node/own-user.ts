/** Whoever owns a file can change what was verified in it. @module */
import process from "node:process";

/** Whether `uid` is this user, where the system knows users. */
export function isOwnUser(uid: number | bigint): boolean {
  const user = process.getuid?.();
  return user === undefined || BigInt(uid) === BigInt(user);
}
