// workerpool wants its functions registered by name.
import workerpool from 'workerpool'
import { echo, noop } from './tpool-work.mjs'

workerpool.worker({ noop, echo })
