/** A person whose answers a test has written down. @module */
import assert from "node:assert/strict";
import type {
  Choice,
  CompletedQuestion,
  Prompter,
  Question,
  TextQuestion,
} from "../src/terminal/prompter.ts";

/** Answers in order; keeps what was asked. A choice is answered by its label's beginning. */
export class Scripted implements Prompter {
  readonly asked: string[] = [];
  readonly #answers: (string | boolean | undefined)[];

  constructor(...answers: (string | boolean | undefined)[]) {
    this.#answers = answers;
  }

  async select<T extends string>(question: Choice<T>): Promise<T | undefined> {
    const labels = question.options.map(({ label }) => label);
    this.asked.push(`${question.message} ${labels.join(" | ")}`);
    const answer = this.#answers.shift();
    if (answer === undefined) return undefined;
    const chosen = question.options.find(({ label }) => label.startsWith(String(answer)));
    assert.ok(chosen, `${String(answer)} is not among ${labels.join(", ")}`);
    return chosen.value;
  }

  async text({ message }: TextQuestion): Promise<string | undefined> {
    this.asked.push(message);
    const answer = this.#answers.shift();
    return typeof answer === "string" ? answer : undefined;
  }

  async password({ message }: TextQuestion): Promise<string | undefined> {
    return await this.text({ message });
  }

  async completed({ message }: CompletedQuestion): Promise<string | undefined> {
    return await this.text({ message });
  }

  async confirm({ message }: Question): Promise<boolean | undefined> {
    this.asked.push(message);
    return this.#answers.shift() === true;
  }
}
