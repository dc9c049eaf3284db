/** Questions to a person. Texts in them are safe for a terminal. @module */
export interface Prompter {
  /** `undefined`: Ctrl-C or Escape. All of these. */
  select<T extends string>(question: Choice<T>): Promise<T | undefined>;
  text(question: TextQuestion): Promise<string | undefined>;
  confirm(question: YesOrNo): Promise<boolean | undefined>;
  /** Shows nothing of what is typed. */
  password(question: TextQuestion): Promise<string | undefined>;
  /** A text that Tab completes. */
  completed(question: CompletedQuestion): Promise<string | undefined>;
}

export interface Question {
  readonly message: string;
  /** Takes the question back; it then answers `undefined`. */
  readonly signal?: AbortSignal;
}

export interface YesOrNo extends Question {
  /** What Enter alone says; `true` when absent. */
  readonly initial?: boolean;
}

export interface Choice<T extends string> extends Question {
  readonly options: readonly {
    readonly value: T;
    readonly label: string;
    readonly hint?: string;
  }[];
}

export interface TextQuestion extends Question {
  readonly placeholder?: string;
  /** A complaint, or `undefined` when the text will do. */
  readonly check?: (text: string) => string | undefined;
}

export interface CompletedQuestion extends Question {
  /** What may stand for the end of the line, and that end: what `readline` takes. */
  readonly complete: (line: string) => [candidates: string[], replaced: string];
}
