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

// rootKey is what DIR is called in a file.
const rootKey = "root"

// Keys whose values name files of the host, which are relative to the folder
// of the file that names them: all values of the first, unix:PATH of the
// second.
var (
	fileKeys   = []string{rootKey, "tls-cert", "tls-key", "admin-token-file"}
	socketKeys = []string{"http", "https", "admin"}
)

// applyFile takes over what the file says.
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

// apply gives a value of the file to the flag of that name, in the place of
// its default.
func (s *settings) apply(setting config.Setting) error {
	flag := s.flags.Lookup(setting.Key)
	if flag == nil {
		return s.unknown(setting.Key)
	}
	kinds, example := written(flag)
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
		return fmt.Errorf("%q is no time; write it like %s", texts[0], example)
	}
	return err
}

// unknown says what may be meant by a key that there is not.
func (s *settings) unknown(key string) error {
	var known []string
	s.flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if nearest := config.Nearest(key, known); nearest != "" {
		return fmt.Errorf("there is no such key; you may mean %s", nearest)
	}
	return errors.New("there is no such key; \"sluice serve --help\" tells which there are")
}

// written returns how the value of a flag can be written in a file, the best
// way first, and an example of it.
func written(flag *pflag.Flag) (kinds []config.Kind, example string) {
	if _, ok := flag.Value.(pflag.SliceValue); ok {
		if slices.Contains(config.Schemes, flag.Name) { // there is one, as a rule
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

// hostPath returns the value of a key, with a path of the host in it made
// relative to the folder of the file.
func hostPath(key, value, folder string) string {
	name, isSocket := strings.CutPrefix(value, "unix:")
	switch {
	case isSocket && slices.Contains(socketKeys, key):
		return "unix:" + within(folder, name)
	case slices.Contains(fileKeys, key):
		return within(folder, value)
	}
	return value
}

// within returns where a name leads from a folder. No name stays none.
func within(folder, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(folder, name)
}

// blame returns an error that begins with the name of a flag as one of the
// file, if that is where the value is from.
func (c *call) blame(file *config.File, err error) error {
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

// explainFile says why a file cannot be read, and what to do.
func explainFile(name string, err error) error {
	switch {
	case errors.As(err, new(*config.FileError)):
		return err
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New("it does not exist; name the file of configuration by --config FILE")
	case errors.Is(err, fs.ErrPermission):
		err = errors.New("this user may not read it; give it the right to")
	}
	return &config.FileError{File: name, Err: err}
}
