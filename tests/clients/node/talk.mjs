// How a client in Node talks to the test: one JSON object a line. The test is the person at the browser.
import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

function say(message) {
  process.stdout.write(JSON.stringify(message) + '\n')
}

/** Let the person visit a URL; returns where the browser was sent back to. */
export async function browse(url) {
  say({ browse: String(url) })
  const { value } = await lines.next()
  return new URL(JSON.parse(value).back)
}

/** Report a step that worked, and what there is to see. */
export function step(name, seen = {}) {
  say({ step: name, seen })
}

/** Fail loudly when something is not as it must be. */
export function must(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`)
}

/** Run scenarios one after the other; the first failure ends it, with everything the library knows about it. */
export async function run(scenarios) {
  const { value } = await lines.next()
  const given = JSON.parse(value)
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      await scenario(given)
    } catch (error) {
      const cause = error.cause ? ` cause: ${error.cause.message ?? JSON.stringify(error.cause)}` : ''
      say({ failed: name, why: `${error.name} ${error.code ?? ''} ${error.error ?? ''} ${error.error_description ?? ''} ${error.message}${cause}\n${error.stack}` })
      process.exit(1)
    }
  }
  say({ done: true })
  process.exit(0)
}
