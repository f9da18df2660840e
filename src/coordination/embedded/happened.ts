/** What a step of a table has caused beside its answer. The table does nothing about it: who runs it does. */
export class Happened {
  /** Requests that may be tried again now. */
  readonly wakes: string[] = []
  /** Topics, each of which has changed. */
  readonly topics: string[] = []
  /** Requests that were holding or waiting and do neither now. */
  readonly ended: string[] = []
}

/** A step's answer and what it caused. */
export interface Outcome<Reply> {
  readonly reply: Reply
  readonly happened: Happened
}
