export type { Adapter, AdapterOptions, ExportContext, ExportFile } from './adapter.ts'
export { EXTENDED_NAMESPACE } from './extended-document.ts'
export { StylesheetError } from './stylesheet-error.ts'
export { visibleText } from './xml-text.ts'
export { defineXsltAdapter, type XsltAdapterDefinition } from './xslt-adapter.ts'
export {
  openXsltEngine,
  XSLT_ENGINE_VERSION,
  type XsltEngine,
  XsltEngineClosed,
  type XsltEngineOptions,
} from './xslt-engine.ts'
