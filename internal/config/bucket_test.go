package config

import (
	"strings"
	"testing"
	"time"
)

func TestBucketsAreParsed(t *testing.T) {
	for _, tt := range []struct {
		root  string
		want  Bucket
		wrong string // in the error; "": none
	}{
		{"s3://pub", Bucket{"pub", ""}, ""},
		{"s3://pub/", Bucket{"pub", ""}, ""},
		{"S3://pub/a", Bucket{"pub", "a"}, ""},
		{"s3://my-bucket.example.org/releases/2026/", Bucket{"my-bucket.example.org", "releases/2026"}, ""},
		{"s3://pub/My Files/ü%20", Bucket{"pub", "My Files/ü%20"}, ""}, // keys are taken as they are
		{"s3://", Bucket{}, "no bucket is named"},
		{"s3:///a", Bucket{}, "no bucket is named"},
		{"s3://my bucket/a", Bucket{}, "space in the name"},
		{"s3:// pub", Bucket{}, "space in the name"},
		{"s3://Pub/a", Bucket{}, `perhaps it is "pub"`},
		{"s3://pub?region=eu", Bucket{}, "--s3-region"},
		{"s3://pub/a?region=eu", Bucket{}, "--s3-region"},
		{"s3://pub#a", Bucket{}, "no query"},
		{"s3://127.0.0.1:9000/pub", Bucket{}, "--s3-endpoint"},
		{"s3://ab", Bucket{}, "3 to 63"},
		{"s3://-ab", Bucket{}, "3 to 63"},
		{"s3://ab.", Bucket{}, "3 to 63"},
		{"s3://a..b", Bucket{}, "3 to 63"},
		{"s3://a_b", Bucket{}, "3 to 63"},
		{"s3://pub/a//b", Bucket{}, "not a path"},
		{"s3://pub/../b", Bucket{}, "not a path"},
		{"s3://pub/a\x00", Bucket{}, "not a path"},
	} {
		c := Default()
		c.Root, c.HTTP = tt.root, []string{":80"}
		err := c.Check()
		switch {
		case tt.wrong == "" && err != nil:
			t.Errorf("%s: %v", tt.root, err)
		case tt.wrong == "":
			if got, ok := ParseBucket(c.Root); got != tt.want || !ok {
				t.Errorf("%s: got %+v, %v, want %+v", tt.root, got, ok, tt.want)
			}
		case err == nil || !strings.Contains(err.Error(), tt.wrong):
			t.Errorf("%s: got the error %v, want %q", tt.root, err, tt.wrong)
		}
	}
}

func TestADirectoryIsNoBucket(t *testing.T) {
	for _, root := range []string{".", "/srv/s3://pub", "s3", "s3:/pub"} {
		c := Default()
		c.Root = root
		if err := c.Check(); err != nil {
			t.Error(err)
		}
		if b, ok := ParseBucket(c.Root); ok {
			t.Errorf("%s is the bucket %v", root, b)
		}
	}
}

func TestCredentialsInANameAreNotRepeated(t *testing.T) {
	c := Default()
	c.Root = "s3://AKIA:topsecret@pub/a"
	if err := c.Check(); err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("got %v", err)
	}
	c.Root, c.S3.Endpoint = "s3://pub", "http://AKIA:topsecret@127.0.0.1"
	if err := c.Check(); err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("got %v", err)
	}
}

func TestSettingsThatDoNotFitABucketAreRefused(t *testing.T) {
	for _, tt := range []struct {
		root   string
		change func(*Config)
		wrong  string // the flag; "": none
	}{
		{"s3://pub", func(c *Config) { c.S3.Endpoint = "http://127.0.0.1:9000/" }, ""},
		{"s3://pub", func(c *Config) { c.S3.Endpoint = "127.0.0.1:9000" }, "--s3-endpoint"},
		{"s3://pub", func(c *Config) { c.S3.Endpoint = "https://s3.example.org/pub" }, "--s3-endpoint"},
		{"s3://pub", func(c *Config) { c.S3.Endpoint = "s3.example.org" }, "--s3-endpoint"},
		{"s3://pub", func(c *Config) { c.S3.CAFile, c.S3.Endpoint = "ca.pem", "http://127.0.0.1" }, "--s3-ca"},
		{"s3://pub", func(c *Config) { c.S3.CAFile = "ca.pem" }, ""},
		{"s3://pub", func(c *Config) { c.S3.Anonymous, c.S3.CredentialsFile = true, "f" }, "--s3-anonymous"},
		{"s3://pub", func(c *Config) { c.Quota.Reserve.Bytes = 1 }, "--reserve"},
		{"s3://pub", func(c *Config) { c.Durability = "none" }, "--durability"},
		{"s3://pub", func(c *Config) { c.ContentETags = true }, "--content-etags"},
		{".", func(c *Config) { c.Quota.Reserve.Bytes, c.Durability, c.ContentETags = 1, "none", true }, ""},
		{".", func(c *Config) { c.S3.Endpoint = "http://127.0.0.1:9000" }, "--s3-endpoint"},
		{".", func(c *Config) { c.S3.Region = "eu" }, "--s3-region"},
		{".", func(c *Config) { c.S3.PathStyle = true }, "--s3-path-style"},
		{".", func(c *Config) { c.S3.CAFile = "ca.pem" }, "--s3-ca"},
		{".", func(c *Config) { c.S3.CredentialsFile = "f" }, "--s3-credentials"},
		{".", func(c *Config) { c.S3.Anonymous = true }, "--s3-anonymous"},
		{".", func(c *Config) { c.S3.Cache = "dir" }, "--cache"},
		{".", func(c *Config) { c.S3.Redirect = true }, "--redirect"},
		{".", func(c *Config) { c.S3.PublicEndpoint = "https://s3.example.org" }, "--s3-public-endpoint"},
		{"s3://pub", func(c *Config) { c.S3.Cache, c.S3.CacheSize = "dir", 1<<20 }, ""},
		{"s3://pub", func(c *Config) { c.S3.Cache, c.S3.CacheSize = "dir", 1000 }, "--cache-size"},
		{"s3://pub", func(c *Config) { c.S3.CacheSize = 1 << 20 }, "--cache-size"},
		{"s3://pub", func(c *Config) { c.S3.Redirect, c.S3.PublicEndpoint = true, "https://s3.example.org" }, ""},
		{"s3://pub", func(c *Config) { c.S3.Redirect, c.S3.PublicEndpoint = true, "s3.example.org" }, "--s3-public-endpoint"},
		{"s3://pub", func(c *Config) { c.S3.PublicEndpoint = "https://s3.example.org" }, "--s3-public-endpoint"},
		{"s3://pub", func(c *Config) { c.S3.Redirect, c.S3.RedirectFor = true, 8*24*time.Hour }, "--redirect-for"},
		{"s3://pub", func(c *Config) { c.S3.RedirectFor = time.Minute }, "--redirect-for"},
		{"s3://pub", func(c *Config) { c.S3.RedirectFrom = 1 }, "--redirect-from"},
		{"s3://pub", func(c *Config) { c.S3.Redirect, c.S3.RedirectFrom = true, 0 }, ""},
		{"s3://pub", func(c *Config) { c.S3.Redirect, c.S3.Anonymous = true, true }, "--redirect"},
	} {
		c := Default()
		c.Root = tt.root
		tt.change(&c)
		err := c.Check()
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), tt.wrong+" ") {
			t.Errorf("%s: got the error %v, want one about %q", tt.root, err, tt.wrong)
		}
	}
}
