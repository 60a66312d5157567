// node resume.js HOST PORT USER PASSWORD FILE NAME resumes the broken upload of a file with
// the package basic-ftp, and prints how many bytes it has sent.
const ftp = require("basic-ftp")

async function main([host, port, user, password, file, name]) {
  const client = new ftp.Client(20_000)
  try {
    await client.access({ host, port: Number(port), user, password })
    const size = await client.size(name)
    await client.appendFrom(file, name, { localStart: size })
    console.log(`${await client.size(name) - size} bytes`)
  } finally {
    client.close()
  }
}

main(process.argv.slice(2)).catch((err) => {
  console.error(err)
  process.exit(1)
})
