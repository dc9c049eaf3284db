/** Every case, in the order in which they run. @module */
import type { BenchCase } from "./bench-case.ts";
import { fileCase } from "./cases/file.ts";

export const CASES: readonly BenchCase[] = [fileCase];
