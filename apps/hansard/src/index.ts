export type { ExitCode, Io } from './cli/io.ts'
export { runCommandLine } from './command-line.ts'

export { startStandardEdition } from './standard-edition/standard-edition.ts'
