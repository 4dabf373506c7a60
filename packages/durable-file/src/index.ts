export { createSecretFile, replaceSecretFile } from './secret-file.ts'
export {
  type Content,
  clearTemporaries,
  digestOf,
  flushDirectory,
  removeDurably,
  writeAll,
  writeDurably,
} from './write-durably.ts'
