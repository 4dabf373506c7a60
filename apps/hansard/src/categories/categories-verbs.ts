import { AddCategoryRequest, ChangeCategoryRequest } from '@hansard/admin-contract'
import type { Command } from 'commander'
import { type GivenOptions, schemaOptions } from '../cli/schema-options.ts'
import { type PoolOptions, poolVerb, type Verbs } from '../cli/verb.ts'

export function addCategoriesVerbs(program: Command, { io, run }: Verbs): void {
  const categories = program.command('categories').description('categories: the walls around rooms')

  const add = poolVerb(categories, 'add', 'add a category; nobody is allowed in it who is not named').argument('<name>')
  schemaOptions(add, AddCategoryRequest, { texts: { name: 'left out' }, bare: true }).action(
    run(async (name: string, options: PoolOptions & GivenOptions) => {
      const { addCategory } = await import('./categories.ts')
      return addCategory(io, name, options)
    }),
  )

  poolVerb(categories, 'list', 'all categories').action(
    run(async (options: PoolOptions) => {
      const { listCategories } = await import('./categories.ts')
      return listCategories(io, options)
    }),
  )
  poolVerb(categories, 'show', 'a category and its lists')
    .argument('<name>')
    .action(
      run(async (name: string, options: PoolOptions) => {
        const { showCategory } = await import('./categories.ts')
        return showCategory(io, name, options)
      }),
    )

  const set = poolVerb(categories, 'set', 'change a category; a wall holds from the same moment').argument('<name>')
  schemaOptions(set, ChangeCategoryRequest).action(
    run(async (name: string, options: PoolOptions & GivenOptions) => {
      const { setCategory } = await import('./categories.ts')
      return setCategory(io, name, options)
    }),
  )

  poolVerb(categories, 'remove', 'remove a category that has no rooms')
    .argument('<name>')
    .action(
      run(async (name: string, options: PoolOptions) => {
        const { removeCategory } = await import('./categories.ts')
        return removeCategory(io, name, options)
      }),
    )
}
