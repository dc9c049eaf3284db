import { PosternError } from "@postern/core/errors";

/** For `assert.throws` and `assert.rejects`: a {@link PosternError} of this code. */
export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof PosternError && error.code === code;
}
