// Queues of others, found from here, where they are installed.
export { default as fastq } from 'fastq'
export { default as PQueue } from 'p-queue'
