// node upload.js URL USER PASSWORD FILE NAME PROTOCOL CHUNK uploads a file with the package
// tus-js-client, and prints how many requests of each method it has sent. It goes on after
// errors for some seconds. PROTOCOL is tus-v1 or ietf-draft-05, CHUNK the size of the body
// of a request, 0: as much as possible, or "create": all in the first one.
const fs = require("fs")
const tus = require("tus-js-client")

const [endpoint, user, password, file, name, protocol, chunk] = process.argv.slice(2)
const sent = {}

const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  protocol,
  chunkSize: Number(chunk) || Infinity,
  uploadDataDuringCreation: chunk === "create",
  uploadSize: fs.statSync(file).size,
  retryDelays: Array(100).fill(100),
  metadata: { filename: name },
  headers: user ? { Authorization: "Basic " + Buffer.from(user + ":" + password).toString("base64") } : {},
  onBeforeRequest: (req) => {
    sent[req.getMethod()] = (sent[req.getMethod()] || 0) + 1
  },
  onError: (err) => {
    console.error(String(err))
    process.exit(1)
  },
  onSuccess: () => {
    console.log(JSON.stringify(sent))
    process.exit(0)
  },
})
upload.start()
