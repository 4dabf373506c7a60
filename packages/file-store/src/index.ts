export { createClamdScanner, parseClamdAddress, type Scanner, ScannerAway, type Verdict } from './clamd.ts'
export { contentDisposition, safeFileName } from './file-name.ts'
export {
  ContentChanged,
  type FileStore,
  FileStoreFull,
  type OpenedFile,
  openFileStore,
  PlacedOtherwise,
  type Received,
  WrongOffset,
  WrongStore,
} from './file-store.ts'
export { isFileId, isStoredName, newFileId, storedNameOf } from './stored-name.ts'
