// A back end over HTTP: answers GET /MS after so many ms. Tells its parent its port; ends with it.
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  setTimeout(() => response.end(), Number(request.url.slice(1)))
})
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
process.on('disconnect', () => process.exit())
