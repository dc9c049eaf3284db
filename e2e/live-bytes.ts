/**
 * Every array of bytes that this process can still reach, found by V8 itself after a collection.
 * What lies in memory that is free again, in OpenSSL or in SQLite is out of its sight.
 *
 * @module
 */
import { Session } from "node:inspector/promises";

const KEY = "posternLiveBytes";
/** V8's `typed_array_max_size_in_heap`. */
const ON_HEAP_BYTES_MAX = 64;

export async function liveBytes(): Promise<readonly Uint8Array[]> {
  const session = new Session();
  session.connect();
  try {
    const found: Uint8Array[] = [];
    for (const buffer of await instancesOf(session, "ArrayBuffer"))
      if (buffer instanceof ArrayBuffer && !buffer.detached) found.push(new Uint8Array(buffer));
    // Small ones lie on the heap, without a buffer as long as nobody asks for it.
    for (const array of await instancesOf(session, "Uint8Array"))
      // `Buffer.prototype` is an instance too, and no array.
      if (array instanceof Uint8Array && ArrayBuffer.isView(array))
        if (array.byteLength <= ON_HEAP_BYTES_MAX) found.push(array);
    return found;
  } finally {
    session.disconnect();
  }
}

async function instancesOf(session: Session, type: string): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  const take = (objects: readonly unknown[]): void => {
    for (const each of objects) found.push(each);
  };
  Reflect.set(globalThis, KEY, take);
  try {
    const objectGroup = KEY;
    const { result } = await session.post("Runtime.evaluate", {
      expression: `${type}.prototype`,
      objectGroup,
    });
    const prototypeObjectId = result.objectId ?? "";
    const query = { prototypeObjectId, objectGroup };
    const { objects } = await session.post("Runtime.queryObjects", query);
    const functionDeclaration = `function () { globalThis.${KEY}(this) }`;
    const objectId = objects.objectId ?? "";
    await session.post("Runtime.callFunctionOn", { functionDeclaration, objectId });
    await session.post("Runtime.releaseObjectGroup", { objectGroup });
  } finally {
    Reflect.deleteProperty(globalThis, KEY);
  }
  return found;
}
