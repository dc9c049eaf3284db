/**
 * A process of the suite's own that plays a part: asked by its parent over the channel that Node
 * gives to children, it answers each question with figures. Parts never run in the parent, whose
 * own work would be measured with them.
 *
 * @module
 */
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import process from "node:process";

import type { Figures } from "../bench-case.ts";
import { reasonOf } from "../alternate.ts";
import { endProgramsWith } from "../measure/endings.ts";

export interface Actor {
  readonly pid: number;
  /** @throws what went wrong there, or that the process ended. */
  ask(question: string, count?: number): Promise<Figures>;
  stop(): Promise<void>;
}

interface Question {
  readonly question: string;
  readonly count: number;
}

type Answer = { readonly figures: Figures } | { readonly problem: string };

/** `part` is a module of this folder; `setting` is plain data and no secret. */
export function startActor(part: string, setting: object): Actor {
  const script = join(import.meta.dirname, `${part}.ts`);
  const child = fork(script, [JSON.stringify(setting)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  RUNNING.add(child);
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => {
      RUNNING.delete(child);
      resolve();
    });
  });
  return {
    pid: child.pid ?? 0,
    async ask(question, count = 0) {
      const answer = Promise.withResolvers<Answer>();
      const onMessage = (message: unknown): void => answer.resolve(message as Answer);
      child.once("message", onMessage);
      void closed.then(() => answer.resolve({ problem: `${part} ended` }));
      child.send({ question, count } satisfies Question, (error) => {
        if (error !== null) answer.resolve({ problem: `${part}: ${reasonOf(error)}` });
      });
      const got = await answer.promise;
      child.off("message", onMessage);
      if ("problem" in got) throw new Error(`${part}, ${question}: ${got.problem}`);
      return got.figures;
    },
    async stop() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

const RUNNING = new Set<ChildProcess>();
endProgramsWith(() => {
  for (const child of RUNNING) child.kill("SIGKILL");
});

/** At the child: what it was started with, as its parent wrote it. */
export function actorSetting(): unknown {
  return JSON.parse(process.argv[2] ?? "{}");
}

/** At the child: one question after the other, each with its answer. */
export function answerQuestions(parts: Readonly<Record<string, Part>>): void {
  process.on("message", ({ question, count }: Question) => {
    const part = parts[question];
    const answered =
      part === undefined ? Promise.reject(new Error("no such question")) : part(count);
    answered.then(
      (figures) => process.send?.({ figures }),
      (error: unknown) => process.send?.({ problem: reasonOf(error) }),
    );
  });
  process.on("disconnect", () => process.exit(0));
}

/** Asked for so many of what it does. */
type Part = (count: number) => Promise<Figures>;
