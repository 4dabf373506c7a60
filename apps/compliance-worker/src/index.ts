export type { AdapterSetting } from '@hansard/adapter'
export { DEFAULT_ADAPTERS, parseAdapterSettings } from './adapter-settings.ts'
export { type ComplianceWorkerConfig, complianceProcessConfig } from './config.ts'
export { type ComplianceWorker, startComplianceWorker } from './service.ts'
