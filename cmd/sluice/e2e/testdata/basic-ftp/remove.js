// node remove.js HOST PORT USER PASSWORD MLSD|LIST DIRECTORY removes a directory and its
// content with the package basic-ftp.
const ftp = require("basic-ftp")

async function main([host, port, user, password, listing, directory]) {
  const client = new ftp.Client(20_000)
  try {
    await client.access({ host, port: Number(port), user, password })
    client.availableListCommands = [listing]
    await client.removeDir(directory)
  } finally {
    client.close()
  }
}

main(process.argv.slice(2)).catch((err) => {
  console.error(err)
  process.exit(1)
})
