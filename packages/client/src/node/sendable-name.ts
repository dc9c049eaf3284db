/** A name that this device gives to what it sends. @module */
import { utf8 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { FILE_NAME_BYTES_MAX } from "@postern/core/limits";
import { nameFault } from "@postern/core/transfer";

/**
 * As it is offered; every receiver would refuse others, and could not tell that from an attack.
 *
 * @throws {@link PosternError} `transfer/source-unreadable` (`details.reason` is `name`)
 */
export function sendableName(name: string, path?: string): string {
  const formed = name.toWellFormed();
  if (nameFault(formed) === undefined && utf8(formed).length <= FILE_NAME_BYTES_MAX) return formed;
  throw new PosternError("transfer/source-unreadable", "a name that others cannot store", {
    reason: "name",
    ...(path !== undefined && { path }),
  });
}
