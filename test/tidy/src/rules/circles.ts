import { posix } from 'node:path'
import type { Repository, RuleFinding } from '../repository.ts'

/** No import cycles between files: such files can only be understood, moved and loaded together. */
export function importCircles({ packages }: Repository): RuleFinding[] {
  const sources = packages.flatMap((each) => each.sources)
  const known = new Set(sources.map(({ path }) => path))
  const imports = new Map(
    sources.map(({ path, reading }) => [
      path,
      reading.imports
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => posix.join(posix.dirname(path), specifier))
        .filter((target) => known.has(target)),
    ]),
  )
  return circlesIn(imports).map((circle) => {
    const subject = circle.join(', ')
    return { rule: 'import-circles', path: circle[0]!, subject, message: `these files import each other: ${subject}` }
  })
}

/** Tarjan's strongly connected components of more than one file, or of a file that imports itself. */
function circlesIn(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (path: string) => {
    order.set(path, order.size)
    lowest.set(path, order.get(path)!)
    stack.push(path)
    for (const target of imports.get(path)!) {
      if (!order.has(target)) visit(target)
      if (stack.includes(target)) lowest.set(path, Math.min(lowest.get(path)!, lowest.get(target)!))
    }
    if (lowest.get(path) !== order.get(path)) return
    const circle = stack.splice(stack.indexOf(path)).sort()
    if (circle.length > 1 || imports.get(path)!.includes(path)) circles.push(circle)
  }
  for (const path of imports.keys()) if (!order.has(path)) visit(path)
  return circles
}
