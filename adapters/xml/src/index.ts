import { defineXsltAdapter } from '@hansard/adapter'

const stylesheet = new URL('../identity.xslt', import.meta.url)

/** The conversations document as the 2013 server wrote it. */
export const xml = defineXsltAdapter({
  name: 'xml',
  profile: 'strict-2013',
  version: '2',
  extension: 'xml',
  stylesheet,
  stylesheetIsIdentity: true,
})

/** The same plus everything it has no place for, in a namespace of its own. */
export const xmlExtended = defineXsltAdapter({
  name: 'xml-extended',
  profile: 'extended-1',
  version: '4',
  extension: 'xml',
  stylesheet,
  stylesheetIsIdentity: true,
})
