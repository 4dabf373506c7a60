export { runCommandLine } from './command-line.ts'
export type { ExitCode, Io } from './io.ts'
export { type StandardEdition, type StandardEditionOptions, startStandardEdition } from './standard-edition.ts'
