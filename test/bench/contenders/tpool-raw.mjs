// The floor: a message there, a message back, and nothing else.
import { parentPort } from 'node:worker_threads'

parentPort.on('message', (value) => parentPort.postMessage(value))
