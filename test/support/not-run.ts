/**
 * The `skip` of a test that this machine cannot run. The gate collects the lines
 * that begin with NOT RUN and counts them at its end, so that a skip is seen.
 */
export function notRun(what: string, reason: string): string {
  console.log(`NOT RUN ${what}: ${reason}`)
  return reason
}
