package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"sluice/internal/config"
)

// The keys of DIR, and of those mounted in it, in a file.
const (
	rootKey  = "root"
	mountKey = "mount"
)

// Keys with paths of the host, which are relative to the folder of the file: all
// values of fileKeys, DIR of mountKey, and unix:PATH of socketKeys.
var (
	fileKeys   = []string{rootKey, "tls-cert", "tls-key", "admin-token-file", "users", "state", "auth-program", "s3-ca", "s3-credentials"}
	socketKeys = []string{"http", "https", "admin"}
)

// applyFile applies the settings and users of the file.
func (s *settings) applyFile() error {
	if s.file == nil {
		return nil
	}
	s.conf.File, s.conf.Users = s.file.Name, s.file.Users
	for _, setting := range s.file.Settings {
		if err := s.apply(setting); err != nil {
			return &config.FileError{File: s.file.Name, Line: setting.Line, Key: setting.Key, Err: err}
		}
	}
	return nil
}

// apply sets the flag of a key to the value in the file, instead of its default.
func (s *settings) apply(setting config.Setting) error {
	flag := s.flags.Lookup(setting.Key)
	if flag == nil {
		return s.unknownKey(setting.Key)
	}
	kinds, example := syntaxOf(flag)
	if !slices.Contains(kinds, setting.Kind) {
		return fmt.Errorf("the value is %s; write it as %s, such as %s = %s", setting.Kind, kinds[0], setting.Key, example)
	}
	texts := slices.Clone(setting.Texts)
	for i, text := range texts {
		texts[i] = hostPath(setting.Key, text, filepath.Dir(s.file.Name))
	}
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return list.Replace(texts)
	}
	err := flag.Value.Set(texts[0])
	if err != nil && flag.Value.Type() == "duration" {
		return fmt.Errorf("%q is not a duration; write it like %s", texts[0], example)
	}
	return err
}

// unknownKey returns an error that suggests a similar key.
func (s *settings) unknownKey(key string) error {
	var known []string
	s.flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if nearest := config.Nearest(key, known); nearest != "" {
		return fmt.Errorf("unknown key; did you mean %s?", nearest)
	}
	return errors.New("unknown key; \"sluice serve --help\" lists all keys")
}

// syntaxOf returns how the value of a flag can be written in a file, the preferred
// way first, and an example.
func syntaxOf(flag *pflag.Flag) (kinds []config.Kind, example string) {
	if _, ok := flag.Value.(pflag.SliceValue); ok {
		if slices.Contains(config.Schemes, flag.Name) { // usually one
			return []config.Kind{config.String, config.List}, `":80"`
		}
		return []config.Kind{config.List}, `["a", "b"]`
	}
	switch flag.Value.Type() {
	case "bool":
		return []config.Kind{config.Boolean}, "true"
	case "int":
		return []config.Kind{config.Integer}, "100"
	case "duration":
		return []config.Kind{config.String}, `"30s"`
	case (*config.Bytes).Type(nil):
		return []config.Kind{config.String, config.Integer}, `"64KiB"`
	}
	return []config.Kind{config.String}, `"..."`
}

// hostPath resolves a path in the value of a key, relative to the folder of the
// file.
func hostPath(key, value, folder string) string {
	name, isSocket := strings.CutPrefix(value, "unix:")
	switch {
	case isSocket && slices.Contains(socketKeys, key):
		return "unix:" + resolve(folder, name)
	case key == mountKey:
		if at, dir, ok := strings.Cut(value, "="); ok {
			return at + "=" + hostPath(rootKey, dir, folder)
		}
	case key == rootKey && config.IsBucket(value):
	case slices.Contains(fileKeys, key):
		return resolve(folder, value)
	}
	return value
}

// resolve returns a name relative to a folder; "" stays "".
func resolve(folder, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(folder, name)
}

// locate adds file and line to an error that begins with a flag, if the value is
// from the file.
func (c *commandLine) locate(file *config.File, err error) error {
	flag, wrong, _ := strings.Cut(err.Error(), " ")
	key, ok := strings.CutPrefix(flag, "--")
	if file == nil || !ok || c.flags.Changed(key) {
		return err
	}
	for _, setting := range file.Settings {
		if currentName(nil, setting.Key) == pflag.NormalizedName(key) {
			return &config.FileError{File: file.Name, Line: setting.Line, Key: setting.Key, Err: errors.New(wrong)}
		}
	}
	return err
}

// explainFile explains why a file cannot be read, and what to do.
func explainFile(name string, err error) error {
	switch {
	case errors.As(err, new(*config.FileError)):
		return err
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New("it does not exist; name the configuration file by --config FILE")
	case errors.Is(err, fs.ErrPermission):
		err = errors.New("this user may not read it; give this user the right to")
	}
	return &config.FileError{File: name, Err: err}
}
