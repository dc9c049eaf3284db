import assert from "node:assert/strict";
import { test } from "node:test";
import { EVENTS_WAITING_MAX } from "@postern/core/limits";
import { EventQueue, isNoEnd } from "./event-queue.ts";

interface Numbered {
  readonly type: string;
  readonly n: number;
}

async function read(queue: EventQueue<Numbered>): Promise<readonly Numbered[]> {
  queue.end();
  const events: Numbered[] = [];
  for await (const event of queue) events.push(event);
  return events;
}

test("T-04 EventQueue: of more than EVENTS_WAITING_MAX that nobody reads the oldest go", async () => {
  const queue = new EventQueue<Numbered>(undefined, isNoEnd);
  for (let n = 0; n < 3 * EVENTS_WAITING_MAX; n++) queue.push({ type: "session-key", n });
  queue.push({ type: "done", n: -1 });
  const events = await read(queue);
  assert.equal(events.length, EVENTS_WAITING_MAX);
  assert.equal(events[0]?.n, 2 * EVENTS_WAITING_MAX + 1);
  assert.equal(events.at(-1)?.type, "done");
});

test("EventQueue: what must be read stays, however much there is", async () => {
  const queue = new EventQueue<Numbered>();
  for (let n = 0; n < 2 * EVENTS_WAITING_MAX; n++) queue.push({ type: "offer", n });
  assert.equal(
    queue.takeBack(({ n }) => n === 7),
    true,
  );
  assert.equal(
    queue.takeBack(({ n }) => n === 7),
    false,
  );
  const events = await read(queue);
  assert.equal(events.length, 2 * EVENTS_WAITING_MAX - 1);
});
