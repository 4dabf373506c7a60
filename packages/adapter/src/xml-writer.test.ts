import { describe, expect, it } from 'vitest'
import { openXmlWriter } from './xml-writer.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')

describe('the XML writer', () => {
  it('puts a record on one line and everything else on lines of its own', () => {
    const writer = openXmlWriter()
    writer.open('a')
    writer.open('b', [['n', 1]])
    writer.openInline('record', [['yes', true]])
    writer.open('x')
    writer.empty('y')
    writer.close()
    writer.close()
    writer.empty('c')
    writer.close()
    writer.close()
    expect(text(writer.finish())).toBe(
      [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<a>',
        '  <b n="1">',
        '    <record yes="true"><x><y/></x></record>',
        '    <c/>',
        '  </b>',
        '</a>',
        '',
      ].join('\n'),
    )
  })

  it('omits undefined attributes and keeps empty ones', () => {
    const writer = openXmlWriter()
    writer.empty('a', [
      ['none', undefined],
      ['empty', ''],
      ['zero', 0],
    ])
    expect(text(writer.finish())).toContain('<a empty="" zero="0"/>')
  })

  it('escapes all markup in values', () => {
    const writer = openXmlWriter()
    writer.empty('a', [['b', "\"/><evil c='&lt;'\r\n\t"]])
    expect(text(writer.finish())).toContain(`<a b="&quot;/&gt;&lt;evil c='&amp;lt;'&#13;&#10;&#9;"/>`)
  })

  it('does not split a character between chunks', () => {
    const writer = openXmlWriter()
    writer.open('a')
    for (let i = 0; i < 3; i++) writer.empty('b', [['c', '😀'.repeat(200_000)]])
    writer.close()
    expect(text(writer.finish())).not.toContain('\ufffd')
  })

  it('refuses to end a document with an element open', () => {
    const writer = openXmlWriter()
    writer.open('a')
    expect(() => writer.finish()).toThrow('<a> was not closed')
  })
})
