export {
  type Content,
  clearTemporaries,
  digestOf,
  removeDurably,
  type WrittenFile,
  writeDurably,
} from './write-durably.ts'
