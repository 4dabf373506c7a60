export {
  type Content,
  clearTemporaries,
  digestOf,
  flushDirectory,
  removeDurably,
  type WrittenFile,
  writeAll,
  writeDurably,
} from './write-durably.ts'
