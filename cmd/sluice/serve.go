package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sluice/internal/config"
	"sluice/internal/daemon"
)

// ignoreBrokenPipes keeps the program from ending by SIGPIPE when nobody reads its log any more.
// Programs that it runs get the default, which signal.Ignore would not leave them.
func ignoreBrokenPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

func serveCommand() *cobra.Command {
	var c commandLine
	var check bool
	cmd := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Serve a directory or a bucket over HTTP, HTTPS, FTP and FTPS",
		Long: `Serve the files in a directory and below it over HTTP, HTTPS, FTP and FTPS.
Without DIR it is the current directory. If DIR is s3://BUCKET or
s3://BUCKET/PREFIX, it is the objects of a bucket, or those whose keys begin with
PREFIX/, in an object store such as Amazon S3, MinIO, Ceph RGW, Garage or versitygw.

--mount PATH=DIR shows another directory or bucket at PATH, in the place of what DIR
has there. Clients see one tree; nothing can be moved or linked from one to the other,
except by copying. PATH need not exist in DIR, and cannot be removed. All buckets are in
the store of --s3-endpoint.

The credentials for a bucket are those in the file of --s3-credentials, or in
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or in the file of
AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials (profile AWS_PROFILE or default),
or those of the host (IAM): the first of these that exists at the start.

With --redirect, HTTP answers GET and HEAD of files in a bucket by 307 with a signed
URL of the store, so that their bytes do not pass this server. Everybody who has such
a URL can read the file until it expires; limits of bandwidth do not hold there. Pages
and scripts, and all files by FTP, are sent from here.

The URLs are printed on standard output, then the password of a --user that is
given without one; the log is written to standard error.
SIGINT and SIGTERM stop the server: it accepts no new clients, lets transfers
finish for --drain, and then cuts them. A second signal cuts them at once. The
server does not wait longer than 3s after that for a disk that hangs.

ADDR is HOST:PORT, or :PORT for all addresses of this machine; for HTTP and HTTPS
also unix:PATH, a socket for a reverse proxy; or the word systemd for the sockets
that systemd hands over with the name http, https, ftp, ftps or admin.

The access log has a line for each request, each transfer, and each FTP command that
changes a file, in the format of --log-format. text is key=value, and json the same
as JSON: with the method that moved the bytes and, for transfers that took more than
a moment, what limited them. combined is the format of nginx and Apache; an FTP
transfer appears in it as "RETR /path" with the status 226, 426, 451 or 550. xferlog
is the format of wu-ftpd, with a line for each file that was transferred or deleted,
by HTTP too. With these two formats, other messages stay text between the lines.

Users are the same by FTP, HTTP and WebDAV. With --write they change files, as far as
their rights in the file of --config allow. Clients without a password are guests, who
read, and send files only to a path for which [user.anonymous] has the right create.

Every user of this machine can read a password on the command line. The variable
SLUICE_USER_alice=secret is the same as --user alice:secret without that.

The file of --config is TOML. Its keys are the flags below without the dashes
and, for DIR, root; flags that may be repeated take lists. The command line
overrides the file. Relative paths of files are relative to the directory of the
file. Users are tables:

  root = "/srv/pub"
  http = ":80"
  ftp-passive-ports = "50000-50100"
  index = ["index.html", "index.htm"]

  [user.alice]
  password = "..."              # a hash from "sluice passwd"
  home = "/alice"               # in DIR; default: all of DIR
  rights = ["list", "read"]     # of list, read, create, change, delete, rename,
                                # link, "all" for these, and who (SITE WHO);
                                # default: by --write
  max-sessions = 2              # at a time
  max-rate = "1MiB"             # bytes per second, of all transfers together
  networks = ["192.168.0.0/16"] # from which alice may log in; default: all
  quota = "10GiB"               # of all files in the home; default: --quota
  quota-files = 100000          # default: --quota-files
  max-file-size = "2GiB"        # default: --max-file-size

  [[user.alice.path]]           # other rights in /inbox of the home and below it
  path = "/inbox"
  rights = ["all"]

  [user.anonymous]              # guests: clients without a password, by FTP and HTTP
  home = "/pub"

The file of --users has lines NAME:HASH, as Apache's htpasswd writes them by bcrypt
(-B), apr1 (-m) or SHA-1 (-s; easily guessed), or with a hash of "sluice passwd".
Its users have the rights of --write, or what the table [user.NAME] of --config
says, which then has no password.

The program of --auth-program checks the users that are in none of these. It is run
for each check, with one line of JSON as its input, and answers with another:

  {"user":"alice","password":"...","remote":"192.0.2.7","protocol":"http","tls":true}
  {"ok":true,"home":"/alice","rights":["list","read"]}

or {"ok":false}. An answer may have the keys of a user but password and networks, and
name. Without --write, rights allow no changes. If the program fails, the login is
refused, but not as a wrong password. It has an empty environment but for PATH, and
runs outside of the sandbox as the user of --auth-run-as.

If started as root, the server listens, reads its keys and then becomes another
user: the one of --run-as, else sluice if it exists, else the owner of DIR unless
that is root, else nobody. On Linux the process then can open nothing but DIR,
run no program, and has no capabilities; a small helper process that keeps its
rights reads the files of the configuration again. The log says what is in force.

SIGHUP reads both files again. Users and certificates change for new logins and
connections; the log names other changes, which wait for the next start. A file
with a mistake changes nothing. SIGHUP never ends the server, also without a file.

The name DIR, also of a mount, is looked up twice a second. If it leads to another directory, for
example after a symbolic link was switched, that directory is served from then
on. Running transfers, and FTP sessions until they log in again, stay in the old
one.`,
		Example: `  sluice serve /srv/pub
  sluice serve --http 127.0.0.1:8000 .
  sluice serve --https :8443 --tls-self-signed --user alice --write --webdav /srv/pub
  sluice serve --https :8443 --tls-cert site.pem --tls-key site.key /srv/pub
  sluice serve --ftp :21 --ftps :990 --tls-cert site.pem --tls-key site.key /srv/pub
  SLUICE_USER_alice=secret sluice serve --write --anonymous=false /srv/pub
  sluice serve --s3-endpoint http://127.0.0.1:9000 s3://pub/releases
  sluice serve --mount /media=/mnt/media --mount /archive=s3://archive /srv/pub
  sluice serve --config /etc/sluice.toml --check`,
		Args: argsAtMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			hangups := make(chan os.Signal, 1)
			if !check {
				signal.Notify(hangups, syscall.SIGHUP) // until the end: none may end the program; Windows has none
			}
			ignoreBrokenPipes()
			c.flags, c.args, c.environ = cmd.Flags(), args, os.Environ()
			s, err := c.load(nil)
			switch {
			case errors.As(err, new(*config.FileError)):
				return usageError{err}
			case err != nil:
				return misused(cmd, err)
			case check:
				err = daemon.Check(cmd.Context(), s.conf, cmd.OutOrStdout(), cmd.ErrOrStderr())
			default:
				err = daemon.Run(cmd.Context(), daemon.Options{
					Config: s.conf, Load: c.loader(s), Reload: hangups,
					Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Version: version,
				})
			}
			if bad := (config.UsageError{}); errors.As(err, &bad) {
				err = usageError{c.locate(s.file, bad.Err)}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	addCommandFlags(cmd, &c.file, &check)
	unused := config.Default() // load parses into its own
	addFlags(cmd, &unused, new([]string))
	return cmd
}
