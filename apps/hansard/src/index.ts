export type { ExitCode, Io } from './cli/io.ts'
export { runCommandLine } from './command-line.ts'
export {
  type StandardEdition,
  type StandardEditionOptions,
  startStandardEdition,
} from './standard-edition/standard-edition.ts'
