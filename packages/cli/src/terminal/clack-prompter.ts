/**
 * {@link Prompter} by `@clack/prompts`, on stderr. Only for terminals: elsewhere it hangs.
 *
 * @module
 */
import { confirm, isCancel, password, select, text } from "@clack/prompts";
import { askCompleted } from "./completed-question.ts";
import type { Prompter } from "./prompter.ts";

export function clackPrompter(): Prompter {
  const output = process.stderr;
  return {
    async select(question) {
      const { message, signal } = question;
      const options = question.options.map((option) => ({
        ...option,
        value: option.value as string,
      }));
      const answer = await select({ message, options, output, ...(signal && { signal }) });
      if (isCancel(answer)) return undefined;
      return question.options.find((option) => option.value === answer)?.value;
    },
    async text(question) {
      const { message, placeholder, check, signal } = question;
      const answer = await text({
        message,
        output,
        ...(placeholder !== undefined && { placeholder }),
        ...(check !== undefined && { validate: (value: string | undefined) => check(value ?? "") }),
        ...(signal && { signal }),
      });
      return isCancel(answer) ? undefined : answer;
    },
    async confirm({ message, initial = true, signal }) {
      const asked = { message, initialValue: initial, output };
      const answer = await confirm({ ...asked, ...(signal && { signal }) });
      return isCancel(answer) ? undefined : answer;
    },
    async password({ message, check, signal }) {
      const answer = await password({
        message,
        output,
        ...(check !== undefined && { validate: (value: string | undefined) => check(value ?? "") }),
        ...(signal && { signal }),
      });
      return isCancel(answer) ? undefined : answer;
    },
    completed: async (question) => await askCompleted(question, process.stdin, output),
  };
}
