export type { Adapter, AdapterOptions, ExportFile } from './adapter.ts'
export {
  ADAPTER_TYPES,
  type AdapterSetting,
  type AllowedDirectories,
  adaptersOf,
  type ComplianceConfiguration,
  type ComplianceSettings,
  configurationsOf,
  configurationsProblem,
  directoryOf,
  directoryProblem,
  outputDirectoryProblem,
  runIntervalOf,
} from './compliance-configuration.ts'

export { StylesheetError } from './stylesheet-error.ts'
export { stylesheetProblem } from './stylesheet-problem.ts'
export { visibleText } from './xml-text.ts'
export { defineXsltAdapter } from './xslt-adapter.ts'
export { openXsltEngine, type XsltEngine } from './xslt-engine.ts'
