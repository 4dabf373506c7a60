export type { Adapter, AdapterOptions, ExportContext, ExportFile } from './adapter.ts'
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
export { EXTENDED_NAMESPACE } from './extended-document.ts'
export { type Page, showsEverything } from './page.ts'
export { RECORD_SERIES, type RecordAdapter, type RecordDocuments } from './record-adapter.ts'
export { StylesheetError } from './stylesheet-error.ts'
export { stylesheetProblem } from './stylesheet-problem.ts'
export { visibleText } from './xml-text.ts'
export { defineXsltAdapter, type XsltAdapterDefinition } from './xslt-adapter.ts'
export {
  openXsltEngine,
  XSLT_ENGINE_VERSION,
  type XsltEngine,
  XsltEngineClosed,
  type XsltEngineOptions,
} from './xslt-engine.ts'
