import fs from 'node:fs'
import createLibxslt from 'libxslt-wasm/output/libxslt'

/**
 * libxslt, compiled to WebAssembly, with its dangers contained. Load it only inside the engine's worker thread,
 * because it changes globals of its thread.
 *
 * The dangers, each observed with libxslt-wasm 0.0.20, and the measures:
 *
 * - **A compile or runtime error can leave a result.** An unknown `xsl:` element gives an empty document and a line
 *   on standard error. So whatever libxslt writes there is caught and fails the run.
 * - **Its C stack is 64 KiB, and an overflow overwrites data.** About 280 nested templates suffice. It gets a stack of
 *   several MiB, on which libxslt's own limit of 3,000 applies first, as in xsltproc.
 * - **`document()`, `xsl:import` and `xsl:include` fetch from the network.** That import is replaced by one that
 *   throws. There is no file system.
 * - **State survives a run** (memory, registered ids, random seeds). Before every transformation the memory is reset,
 *   byte for byte, to its state after instantiation. So no document can affect the next, and the same input gives the
 *   same bytes whatever ran before. (An instance per document would do too, but V8 is slow to free their memory: a
 *   hundred documents held over a gigabyte.)
 * - **Clock and time zone leak into the output** through EXSLT. The thread's clock is fixed at a time that the caller
 *   names, in UTC.
 *
 * The package's wrapper classes are not used: their view of the memory goes stale when it grows, and they cut output
 * at the first U+0000.
 */
type Libxslt = {
  /** Compiles only, if there is no document. Throws `LibxsltFailure`. */
  run(stylesheet: string, xml: Uint8Array | undefined, options: { readonly at: number }): Promise<Uint8Array>
  /** Throws `LibxsltFailure` when the bytes are not well-formed XML. */
  parse(xml: Uint8Array): Promise<void>
}

export class LibxsltFailure extends Error {
  override name = 'LibxsltFailure'
}

type Exports = {
  malloc(bytes: number): number
  free(pointer: number): void
  emscripten_stack_set_limits(high: number, low: number): void
  _emscripten_stack_restore(pointer: number): void
  exsltRegisterAll(): void
  xmlReadMemory(buffer: number, size: number, url: number, encoding: number, options: number): number
  xsltParseStylesheetDoc(doc: number): number
  xsltApplyStylesheet(style: number, doc: number, params: number): number
  xmlAllocOutputBuffer(encoder: number): number
  xsltSaveResultTo(buffer: number, result: number, style: number): number
  xmlOutputBufferGetContent(buffer: number): number
  xmlOutputBufferGetSize(buffer: number): number
}

type WasmMemory = { readonly buffer: ArrayBufferLike }

/** The used part of the global, which TypeScript knows only together with the rest of a browser. */
type WasmApi = {
  Memory: new (descriptor: object) => WasmMemory
  compile(binary: Uint8Array): Promise<object>
  instantiate(module: object, imports: { readonly env: object }): Promise<object>
}
const wasmApi = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly

const PAGE_BYTES = 65_536
const C_STACK_BYTES = 4 * 1024 * 1024
const CANARY = 0xa5
const CANARY_BYTES = 4_096
/** XML_PARSE_NONET and XML_PARSE_NO_XXE. Entities are expanded only on request, and nobody requests it. */
const PARSE_OPTIONS = 2048 | 8_388_608
/** XML_PARSE_HUGE: a chat may be longer than libxml2's default limits, and our writer is not an attacker. */
const PARSE_HUGE = 524_288

/** Changes globals of this thread: call once. */
export function tameLibxslt({ memoryMbMax }: { memoryMbMax: number }): Libxslt {
  let written = ''
  let now = 0
  let compiled: object | undefined
  let exports: Exports | undefined
  let memory: WasmMemory | undefined
  let instance: Instance | undefined

  // libxslt's standard output and error arrive here synchronously.
  fs.writeSync = ((_fd: number, text: unknown) => {
    const line = String(text)
    written += line.endsWith('\n') ? line : `${line}\n`
    return line.length
  }) as typeof fs.writeSync
  stopTheClock(() => now)

  const { Memory, instantiate, compile } = wasmApi
  wasmApi.Memory = function LimitedMemory(descriptor: object) {
    memory = new Memory({ ...descriptor, maximum: Math.floor((memoryMbMax * 1_048_576) / PAGE_BYTES) })
    return memory
  } as unknown as WasmApi['Memory']
  wasmApi.instantiate = async (binary, imports) => {
    compiled ??= await compile(binary as Uint8Array)
    const env = { ...imports.env, __asyncjs__fetchBytes: refuseExternal }
    const instance = (await instantiate(compiled, { ...imports, env })) as { exports: Exports }
    exports = instance.exports
    return { instance, module: compiled }
  }

  const ready = async (): Promise<void> => {
    if (instance) return rewind(instance)
    now = 0
    await createLibxslt()
    instance = prepare(exports!, memory!)
  }
  const guarded = <T>(at: number, work: (instance: Instance) => T): T => {
    now = at
    written = ''
    try {
      return work(instance!)
    } catch (error) {
      // After a trap (out of memory, out of stack, access refused) the instance's state is unknown.
      instance = undefined
      if (error instanceof LibxsltFailure) throw error
      throw new LibxsltFailure(`${written}${error instanceof Error ? error.message : String(error)}`)
    }
  }

  return {
    async run(stylesheet, xml, { at }) {
      await ready()
      return guarded(at, ({ wasm, memory, stackLow }) =>
        transform(wasm, memory, stylesheet, xml, () => {
          if (written !== '') throw new LibxsltFailure(written)
          if (!isCanaryAlive(memory, stackLow)) throw new LibxsltFailure('The templates nest too deeply.')
        }),
      )
    },
    async parse(xml) {
      await ready()
      guarded(0, ({ wasm, memory }) => {
        const doc = parse(wasm, memory, xml, undefined, PARSE_OPTIONS | PARSE_HUGE)
        // A warning is no error: a namespace may be a relative URI.
        if (doc === 0 || / error : /.test(written)) throw new LibxsltFailure(written || 'It is not XML.')
      })
    },
  }

  function refuseExternal(urlPointer: number): never {
    const bytes = new Uint8Array(memory!.buffer)
    const url = Buffer.from(bytes.slice(urlPointer, bytes.indexOf(0, urlPointer))).toString('utf8')
    throw new LibxsltFailure(`The stylesheet tried to load ${url === SELF_URL ? 'itself as a document' : url}.`)
  }
}

const SELF_URL = 'urn:hansard:stylesheet'

function transform(
  wasm: Exports,
  memory: WasmMemory,
  stylesheet: string,
  xml: Uint8Array | undefined,
  assertSilent: () => void,
): Uint8Array {
  const sheetDoc = parse(wasm, memory, Buffer.from(stylesheet, 'utf8'), SELF_URL, PARSE_OPTIONS)
  assertSilent()
  const style = sheetDoc === 0 ? 0 : wasm.xsltParseStylesheetDoc(sheetDoc)
  assertSilent()
  if (style === 0) throw new LibxsltFailure('This is not an XSLT stylesheet.')
  if (!xml) return new Uint8Array()

  const doc = parse(wasm, memory, xml, undefined, PARSE_OPTIONS | PARSE_HUGE)
  assertSilent()
  if (doc === 0) throw new LibxsltFailure('The document could not be parsed, most likely for lack of memory.')
  const result = wasm.xsltApplyStylesheet(style, doc, 0)
  assertSilent()
  if (result === 0) throw new LibxsltFailure('The stylesheet gave no result.')

  const buffer = wasm.xmlAllocOutputBuffer(0)
  const saved = buffer === 0 ? -1 : wasm.xsltSaveResultTo(buffer, result, style)
  assertSilent()
  if (saved < 0) throw new LibxsltFailure('The result could not be written, most likely for lack of memory.')
  const start = wasm.xmlOutputBufferGetContent(buffer)
  return new Uint8Array(memory.buffer).slice(start, start + wasm.xmlOutputBufferGetSize(buffer))
}

function parse(wasm: Exports, memory: WasmMemory, bytes: Uint8Array, url: string | undefined, options: number): number {
  const pointer = put(wasm, memory, bytes)
  const urlPointer = url === undefined ? 0 : put(wasm, memory, Buffer.from(`${url}\0`, 'utf8'))
  const doc = wasm.xmlReadMemory(pointer, bytes.byteLength, urlPointer, 0, options)
  wasm.free(pointer)
  if (urlPointer !== 0) wasm.free(urlPointer)
  return doc
}

function put(wasm: Exports, memory: WasmMemory, bytes: Uint8Array): number {
  const pointer = wasm.malloc(bytes.byteLength || 1)
  if (pointer === 0) throw new LibxsltFailure('The document does not fit into the memory it may use.')
  new Uint8Array(memory.buffer).set(bytes, pointer)
  return pointer
}

type Instance = {
  readonly wasm: Exports
  readonly memory: WasmMemory
  readonly stackLow: number
  readonly stackHigh: number
  /** The memory when the instance was ready; beyond it there were only zeros. */
  readonly beginning: Uint8Array
}

function prepare(wasm: Exports, memory: WasmMemory): Instance {
  const stackLow = wasm.malloc(C_STACK_BYTES)
  if (stackLow === 0) throw new LibxsltFailure('There is not even memory for a stack.')
  // WebAssembly needs a stack aligned to 16 bytes; with any other, libxslt's locks spin for ever.
  const stackHigh = Math.floor((stackLow + C_STACK_BYTES) / 16) * 16
  wasm.emscripten_stack_set_limits(stackHigh, stackLow)
  wasm._emscripten_stack_restore(stackHigh)
  wasm.exsltRegisterAll()
  const bytes = new Uint8Array(memory.buffer)
  bytes.fill(CANARY, stackLow, stackLow + CANARY_BYTES)
  return { wasm, memory, stackLow, stackHigh, beginning: bytes.slice(0, bytes.findLastIndex((byte) => byte !== 0) + 1) }
}

function rewind({ wasm, memory, stackHigh, beginning }: Instance): void {
  const bytes = new Uint8Array(memory.buffer)
  bytes.set(beginning)
  bytes.fill(0, beginning.length)
  wasm._emscripten_stack_restore(stackHigh)
}

function isCanaryAlive(memory: WasmMemory, stackLow: number): boolean {
  return new Uint8Array(memory.buffer).subarray(stackLow, stackLow + CANARY_BYTES).every((byte) => byte === CANARY)
}

/** The glue code asks `Date` for time, offset and calendar: it always gets the same instant, in UTC. */
function stopTheClock(now: () => number): void {
  Date.now = now
  const proto = Date.prototype as unknown as Record<string, unknown>
  for (const part of ['FullYear', 'Month', 'Date', 'Day', 'Hours', 'Minutes', 'Seconds', 'Milliseconds']) {
    proto[`get${part}`] = proto[`getUTC${part}`]
  }
  proto['getTimezoneOffset'] = () => 0
}
