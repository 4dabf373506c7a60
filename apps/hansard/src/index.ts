export { runCommandLine } from './command-line.ts'

export { startStandardEdition } from './standard-edition/standard-edition.ts'
