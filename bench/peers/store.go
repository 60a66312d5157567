package peers

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sluice/bench/proc"
)

// StoreProgram is the object store whose bucket the peers of the scheme "store" serve.
const StoreProgram = "versitygw"

// A Store is a running object store with one bucket.
type Store struct {
	Endpoint string // URL
	Process  *proc.Process
	Version  string

	access, secret string
}

const (
	bucket = "bench"
	region = "us-east-1"
)

// StartStore starts the store, with its objects in dir. program is its path; "": that of SLUICE_VERSITYGW in the
// environment, or else from PATH. The caller stops Process.
func StartStore(ctx context.Context, program, dir string, cpus []int) (*Store, error) {
	program = cmp.Or(program, os.Getenv("SLUICE_VERSITYGW"), StoreProgram)
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, &missingError{fmt.Sprintf("the object store %s is not installed: name its path by --store-program or SLUICE_VERSITYGW; in a checkout, tools/versitygw.sh builds it", program)}
	}
	if err := os.MkdirAll(filepath.Join(dir, bucket), 0o755); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s := &Store{Endpoint: "http://" + address, access: "bench", secret: rand.Text()}
	if info, err := buildinfo.ReadFile(path); err == nil {
		s.Version = info.Main.Version // it does not print it
	}
	s.Process, err = proc.Start(proc.Command{
		Args: []string{path, "--port", address, "--region", region, "--quiet", "--keep-alive", "posix", dir},
		Env:  []string{"ROOT_ACCESS_KEY=" + s.access, "ROOT_SECRET_KEY=" + s.secret},
		CPUs: cpus,
	})
	if err != nil {
		return nil, err
	}
	if err := waitForAnswer(ctx, s.Process, "http", address); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), s.Process.Stop(0))
	}
	return s, nil
}

// At returns the same store at another address, as behind a proxy.
func (s *Store) At(endpoint string) *Store {
	other := *s
	other.Endpoint = endpoint
	return &other
}

// Put stores an object. Only so does it have an entity tag.
func (s *Store) Put(ctx context.Context, key string, size int64, content io.Reader) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, s.signed(http.MethodPut, key, time.Now()), content)
	if err != nil {
		return err
	}
	r.ContentLength = size
	r.Header.Set("Content-Type", "application/zip") // as most objects have a type; otherwise Sluice would look for one in the content
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("store %s: %s: %s", key, resp.Status, why)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// signedFor is how long the URLs of the store hold: for any comparison.
const signedFor = 24 * time.Hour

// signed returns a URL with the signature of now (AWS Signature Version 4, in the query). The key has no characters that
// URLs escape.
func (s *Store) signed(method, key string, now time.Time) string {
	host := strings.TrimPrefix(s.Endpoint, "http://")
	path := "/" + bucket + "/" + key
	at := now.UTC().Format("20060102T150405Z")
	day := at[:8]
	scope := day + "/" + region + "/s3/aws4_request"
	query := url.Values{
		"X-Amz-Algorithm":     {"AWS4-HMAC-SHA256"},
		"X-Amz-Credential":    {s.access + "/" + scope},
		"X-Amz-Date":          {at},
		"X-Amz-Expires":       {strconv.Itoa(int(signedFor.Seconds()))},
		"X-Amz-SignedHeaders": {"host"},
	}.Encode()
	request := strings.Join([]string{method, path, query, "host:" + host, "", "host", "UNSIGNED-PAYLOAD"}, "\n")
	sum := sha256.Sum256([]byte(request))
	text := "AWS4-HMAC-SHA256\n" + at + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	key32 := []byte("AWS4" + s.secret)
	for _, part := range []string{day, region, "s3", "aws4_request", text} {
		key32 = hmacOf(key32, part)
	}
	return s.Endpoint + path + "?" + query + "&X-Amz-Signature=" + hex.EncodeToString(key32)
}

func hmacOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, text)
	return h.Sum(nil)
}

// storePeers serve the bucket of Setup.Store by HTTP.
var storePeers = []Peer{
	{Name: "sluice", Scheme: storeScheme, command: func(pl *plan) (proc.Command, error) { return pl.serveBucket() }},
	{Name: "sluice-cache", Scheme: storeScheme, command: withCache},
	{Name: "sluice-redirect", Scheme: storeScheme, command: func(pl *plan) (proc.Command, error) { return pl.serveBucket("--redirect") }},
	{Name: "sluice-2", Scheme: storeScheme, processes: 2, command: func(pl *plan) (proc.Command, error) { return pl.serveBucket() }},
	{Name: "sluice-4", Scheme: storeScheme, processes: 4, command: func(pl *plan) (proc.Command, error) { return pl.serveBucket() }},
	{Name: "sluice-cache-4", Scheme: storeScheme, processes: 4, command: withCache},
	{
		Name: "rclone", Scheme: storeScheme, Program: "rclone", Package: "rclone", Mute: true,
		version: []string{"version"},
		// --use-server-modtime: otherwise it sends a HEAD for each file, for its own time in the metadata.
		command: func(pl *plan) (proc.Command, error) {
			c, err := pl.programCommand("serve", "http", ":s3:"+bucket, "--addr", pl.Address(), "--read-only", "--use-server-modtime",
				"--s3-provider", "Other", "--s3-endpoint", pl.store.Endpoint, "--s3-region", region, "--config", "")
			c.Env = append(pl.goEnv(), "RCLONE_S3_ACCESS_KEY_ID="+pl.store.access, "RCLONE_S3_SECRET_ACCESS_KEY="+pl.store.secret,
				"AWS_CA_BUNDLE=") // version 1.60 does not start with one
			return c, err
		},
	},
	{
		Name: "s3fs-fuse", Scheme: storeScheme, Program: "s3fs", Package: "s3fs nginx-light", Mute: true, able: needsLinux,
		version: []string{"--version"}, command: mountAndServe,
	},
	{Name: StoreProgram, Scheme: storeScheme, isStore: true, Mute: true},
}

const storeScheme = "store"

// environ returns the credentials as variables.
func (s *Store) environ() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + s.access, "AWS_SECRET_ACCESS_KEY=" + s.secret}
}

// serveBucket returns the command of this program as a server of the bucket.
func (pl *plan) serveBucket(flags ...string) (proc.Command, error) {
	flags = append([]string{"--http", pl.Address(), "--ftp", "", "--s3-endpoint", pl.store.Endpoint, "--s3-region", region}, flags...)
	c, err := pl.serveSelf(append(flags, "s3://"+bucket)...)
	c.Env = append(c.Env, pl.store.environ()...)
	return c, err
}

func withCache(pl *plan) (proc.Command, error) {
	return pl.serveBucket("--cache", pl.File("cache"), "--cache-size", "2GiB")
}

// mountAndServe returns the command that mounts the bucket by s3fs-fuse, and runs nginx on that. The daemon of s3fs has the
// mount when its parent ends.
func mountAndServe(pl *plan) (proc.Command, error) {
	nginx, err := findProgram("nginx")
	if err != nil {
		return proc.Command{}, notInstalled("nginx", "nginx-light")
	}
	keys := pl.File("keys")
	if err := os.WriteFile(keys, []byte(pl.store.access+":"+pl.store.secret+"\n"), 0o600); err != nil {
		return proc.Command{}, err
	}
	pl.Dir = pl.File("mount")
	if err := os.Mkdir(pl.Dir, 0o755); err != nil {
		return proc.Command{}, err
	}
	pl.unmount = true
	text, err := Peer{config: "nginx.conf"}.render(pl)
	if err != nil {
		return proc.Command{}, err
	}
	options := "ro,use_path_request_style,url=" + pl.store.Endpoint + ",endpoint=" + region + ",passwd_file=" + keys
	return proc.Command{Args: []string{
		"sh", "-c", `"$0" "$1" "$2" -o "$3" && exec "$4" -e stderr -p "$5" -c "$6"`,
		pl.Program, bucket, pl.Dir, options, nginx, pl.Work, pl.Config(),
	}}, os.WriteFile(pl.Config(), text, 0o600)
}
