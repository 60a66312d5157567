package daemon

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"sluice/internal/config"
	"sluice/s3fs"
)

// explainBucket explains why a bucket cannot be served, and what to do.
func explainBucket(b config.Bucket, o config.StoreOptions, keys *bucketKeys, err error) error {
	at := cmp.Or(o.Endpoint, "Amazon S3")
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%v at %s: %w", b, at, fmt.Errorf(format, args...))
	}
	if bad, ok := errors.AsType[*keysError](err); ok {
		return fail("the credentials cannot be read: %w", bad)
	}
	if why := explainCode(s3fs.Code(err), b, keys); why != "" {
		return fail("%s", why)
	}
	if why := explainConnection(err, o); why != "" {
		return fail("%s", why)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fail("no store answers there as it should; check --s3-endpoint, which is the URL of the store without the bucket")
	}
	if errors.Is(err, fs.ErrPermission) {
		return fail("%s", explainDenied(o, keys))
	}
	return fmt.Errorf("%v: %w", b, err)
}

// explainCode explains what the store has answered; "": it has not, or something else.
func explainCode(code string, b config.Bucket, keys *bucketKeys) string {
	switch code {
	case "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %q; make it, or name another: sluice serve s3://BUCKET", b.Name)
	case "InvalidAccessKeyId", "InvalidClientTokenId", "XAdminUserNotFound":
		return fmt.Sprintf("the store does not know the access key; the credentials are from %s", keys.place)
	case "SignatureDoesNotMatch":
		return fmt.Sprintf("the secret key is wrong, or --s3-region is; the credentials are from %s", keys.place)
	case "ExpiredToken", "InvalidToken":
		return fmt.Sprintf("the credentials have expired; they are from %s", keys.place)
	case "RequestTimeTooSkewed":
		return "the clocks of the store and of this host differ too much; set that of this host right"
	case "AuthorizationHeaderMalformed", "InvalidRegion", "PermanentRedirect", "IllegalLocationConstraintException":
		return "the bucket is in another region; name it by --s3-region, or the endpoint of that region by --s3-endpoint"
	}
	return ""
}

// explainDenied explains why the bucket may not be listed.
func explainDenied(o config.StoreOptions, keys *bucketKeys) string {
	if o.Anonymous {
		return "the bucket is not public; leave --s3-anonymous out, and give credentials"
	}
	return fmt.Sprintf("the bucket may not be listed with the credentials from %s; they need the right s3:ListBucket, see docs/object-store.md. A public bucket needs --s3-anonymous", keys.place)
}

// explainConnection explains why the store cannot be reached; "": it can.
func explainConnection(err error, o config.StoreOptions) string {
	dns, isDNS := errors.AsType[*net.DNSError](err)
	host := strings.TrimPrefix(strings.TrimPrefix(o.Endpoint, "http://"), "https://")
	_, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	wrongName, isWrongName := errors.AsType[x509.HostnameError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("the store speaks http there, not https; if that is right, write --s3-endpoint http://%s", host)
	case strings.Contains(err.Error(), "HTTP request to an HTTPS server"):
		return fmt.Sprintf("the store speaks https there, not http; write --s3-endpoint https://%s", host)
	case errors.Is(err, io.EOF), strings.Contains(err.Error(), "Connection closed by foreign host"):
		return "the store cuts the connection without an answer; check --s3-endpoint, and whether it is http or https"
	case isUnknown:
		return "the certificate of the store is of an unknown authority; name the file with that by --s3-ca FILE"
	case isWrongName:
		return fmt.Sprintf("the certificate of the store is for another name: %v", wrongName)
	case isInvalid:
		return fmt.Sprintf("the certificate of the store is not valid: %v", invalid)
	case isDNS:
		return fmt.Sprintf("the host %q is not known; check --s3-endpoint, and perhaps --s3-path-style, which leaves the bucket out of the name", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there; check --s3-endpoint, and whether the store runs"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "there is no network to that host"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %v; check --s3-endpoint, and whether a firewall is between", startTimeout)
	}
	return ""
}
