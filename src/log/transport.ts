/** The last step of a record: takes whole lines, loses none in silence. */
export interface LogTransport {
  /** Lines that were not written, for whatever reason. */
  readonly lost: number
  /** `line` has no newline at its end. Never throws. */
  write(line: string): void
  /** Opens the file by its name again. */
  reopen(): void
  /** Resolves when all is written, or when `deadlineMs` (from now) has passed. */
  flush(deadlineMs: number): Promise<void>
  /** Gives back what was opened. What is written afterwards is lost. */
  close(): void
}
