export type { AdapterSetting } from '@hansard/adapter'
export { DEFAULT_ADAPTERS, parseAdapterSettings } from './adapter-settings.ts'
export { type AnchorSetting, anchorSettings } from './anchor-settings.ts'
export { complianceProcessConfig } from './config.ts'
export { startComplianceWorker } from './service.ts'
export {
  readSigningKeys,
  replaceSigningKeyFile,
  SIGNING_KEY_FILE,
  type SigningKeySource,
  signingKeySource,
} from './signing-key-file.ts'
