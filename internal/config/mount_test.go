package config

import (
	"slices"
	"strings"
	"testing"
)

func TestMountsAreParsed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		mounts []string
		want   []Place // after that of Root
		wrong  string  // in the error; "": none
	}{
		{"none", nil, nil, ""},
		{"two", []string{"/media=/mnt/media", "/a/b=s3://pub/x"}, []Place{{"/media", "/mnt/media"}, {"/a/b", "s3://pub/x"}}, ""},
		{"a slash at the end", []string{"/media/=sub"}, []Place{{"/media", "sub"}}, ""},
		{"the directory has an equals sign", []string{"/a=/srv/b=c"}, []Place{{"/a", "/srv/b=c"}}, ""},
		{"a disk of Windows", []string{`/d=D:\files`}, []Place{{"/d", `D:\files`}}, ""},
		{"no directory", []string{"/a"}, nil, "--mount has no = between"},
		{"an empty directory", []string{"/a="}, nil, "--mount /a: the directory has an empty name"},
		{"a relative path", []string{"a=/srv"}, nil, "--mount a: the path does not begin with a slash"},
		{"the root", []string{"/=/srv"}, nil, `--mount "/": that is not the path`},
		{"the parent", []string{"/a/../b=/srv"}, nil, `--mount "/a/../b": that is not the path`},
		{"the same twice", []string{"/a=/srv", "/a/=/srv/b"}, nil, "--mount /a: another --mount is for that path too"},
		{"a bad bucket", []string{"/a=s3://Pub"}, nil, `--mount /a: s3://Pub: names of buckets have no capital letters`},
		{"credentials", []string{"/a=s3://AKIA:topsecret@pub"}, nil, "--mount /a: credentials do not belong"},
		{"credentials and no path", []string{"s3://AKIA:topsecret@pub"}, nil, "--mount has no ="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Default()
			c.Root, c.HTTP, c.Mounts = "/srv/pub", []string{":80"}, tt.mounts
			err := c.Check()
			switch {
			case tt.wrong != "":
				if err == nil || !strings.Contains(err.Error(), tt.wrong) || strings.Contains(err.Error(), "topsecret") {
					t.Errorf("got the error %v, want %q", err, tt.wrong)
				}
			case err != nil:
				t.Error(err)
			case !slices.Equal(c.Places(), append([]Place{{"/", "/srv/pub"}}, tt.want...)):
				t.Errorf("got %v", c.Places())
			}
		})
	}
}

func TestSettingsFitWhatIsMounted(t *testing.T) {
	for _, tt := range []struct {
		name, root, mount string
		change            func(*Config)
		wrong             string // in the error; "": none
	}{
		{"a store for a mounted bucket", "/srv", "/a=s3://pub", func(c *Config) { c.S3.Region = "eu" }, ""},
		{"a store for no bucket", "/srv", "/a=/mnt", func(c *Config) { c.S3.Region = "eu" }, "--s3-region is of no use"},
		{"a reserve for a mounted directory", "s3://pub", "/a=/mnt", func(c *Config) { c.Quota.Reserve.Percent = 5 }, ""},
		{"a reserve for two buckets", "s3://pub", "/a=s3://sub", func(c *Config) { c.Quota.Reserve.Percent = 5 }, "--reserve is about the disk"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Default()
			c.Root, c.HTTP, c.Mounts = tt.root, []string{":80"}, []string{tt.mount}
			tt.change(&c)
			if err := c.Check(); (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("got %v, want %q", err, tt.wrong)
			}
		})
	}
}
