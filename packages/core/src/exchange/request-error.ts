import { PosternError } from "../errors.ts";
import type { RequestStatus } from "./steps.ts";

/** What a relay's refusal of a request means to the person, unless the request says otherwise. */
export function requestError(status: RequestStatus): PosternError {
  switch (status) {
    case "absent":
      return new PosternError("peer/absent", "the receiver is not connected");
    case "unknown":
      return new PosternError("peer/unknown", "the relay does not know the receiver");
    case "overloaded":
      return new PosternError("relay/overloaded", "the relay takes no more now");
    default:
      return new PosternError("relay/refused", "the relay refused the request");
  }
}
