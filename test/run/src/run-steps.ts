import { spawn } from 'node:child_process'

export type RunStep = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Output that proves the step checked something. A step that checked nothing has not passed. */
  readonly saw?: RegExp
}

type StepResult = {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
  readonly output: string
}

/** Runs the steps one after another; a failed step does not stop the next. */
export async function runSteps(
  steps: readonly RunStep[],
  where: { readonly root: string; readonly env: NodeJS.ProcessEnv },
): Promise<readonly StepResult[]> {
  const results: StepResult[] = []
  for (const step of steps) results.push(await runStep(step, where))
  return results
}

async function runStep(
  { name, command, args, saw }: RunStep,
  { root, env }: { readonly root: string; readonly env: NodeJS.ProcessEnv },
): Promise<StepResult> {
  const started = performance.now()
  let output = ''
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  const status = await new Promise<number | null>((done) => {
    child.once('error', (error) => {
      output += `${error.message}\n`
      done(null)
    })
    child.once('close', done)
  })
  const passed = status === 0 && (saw === undefined || saw.test(output))
  return { name, passed, seconds: (performance.now() - started) / 1_000, output }
}
