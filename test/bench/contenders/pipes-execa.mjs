// Found from here, where it is installed.
export { execa } from 'execa'
