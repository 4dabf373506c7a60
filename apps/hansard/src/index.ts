export { runCommandLine } from './command-line.ts'
export type { ExitCode, Io } from './io.ts'
