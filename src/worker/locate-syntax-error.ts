import { spawnSync } from 'node:child_process'

const CHECK_TIMEOUT_MS = 10_000

/**
 * Adds to a syntax error, met while `file` was loaded, where it is. Node says so
 * itself for CommonJS; for an ES module only when the error ends the process, or
 * when it is asked to check the file, which is done here: nothing of it is run.
 * An error in a module that `file` imports is told without its line.
 */
export function locateSyntaxError(error: SyntaxError, file: string): void {
  const stack = error.stack ?? ''
  if (!isOfParser(stack)) return
  const place = placeIn(stack) ?? placeIn(checkSyntax(file))
  Object.assign(error, {
    message: `${error.message} (${place?.split('\n', 1)[0] ?? `in ${file} or a module that it imports`})`,
    stack: place === undefined || stack.startsWith(place) ? stack : `${place}\n${stack}`,
  })
}

/** Not one that the program has thrown itself, as `JSON.parse` does: the first frame is of Node's loaders. */
function isOfParser(stack: string): boolean {
  return /^ +at .*$/m.exec(stack)?.[0].includes('node:internal/modules/') ?? false
}

/** `/srv/api.mjs:3`, the line and a mark under it; undefined where a stack begins with the error itself. */
function placeIn(text: string): string | undefined {
  return /^(?:file:\/\/)?\/.*:\d+\n.*\n *\^+/.exec(text)?.[0]
}

function checkSyntax(file: string): string {
  return spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', timeout: CHECK_TIMEOUT_MS }).stderr ?? ''
}
