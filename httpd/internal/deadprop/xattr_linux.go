package deadprop

import (
	"errors"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"sluice/httpd/internal/dav"
)

// Read returns the properties of f; none if its file system has no attributes.
func Read(f *os.File) (all []dav.Property, err error) {
	defer runtime.KeepAlive(f)
	names, err := attributes(f)
	if err != nil {
		return nil, err
	}
	value := make([]byte, maxSize+1)
	for _, name := range names {
		n, err := unix.Fgetxattr(int(f.Fd()), name, value)
		if err != nil {
			continue // it was removed meanwhile, or is too long
		}
		if p, ok := decode(value[:n]); ok && attribute(p.Name) == name {
			all = append(all, p)
		}
	}
	return all, nil
}

// attributes returns the names of the attributes of f that are properties, maxProperties at most.
func attributes(f *os.File) (all []string, err error) {
	buffer := make([]byte, 4<<10)
	n, err := unix.Flistxattr(int(f.Fd()), buffer)
	if errors.Is(err, unix.ERANGE) {
		buffer = make([]byte, 64<<10) // the limit of the kernel, listxattr(2)
		n, err = unix.Flistxattr(int(f.Fd()), buffer)
	}
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return nil, nil
	case err != nil:
		return nil, err
	}
	for name := range strings.SplitSeq(string(buffer[:n]), "\x00") {
		if strings.HasPrefix(name, prefix) && len(all) < maxProperties {
			all = append(all, name)
		}
	}
	return all, nil
}

// Apply makes all steps, or none. undo takes them back. The error is ErrFull, or errors.ErrUnsupported if the file system
// has no attributes.
func Apply(f *os.File, steps []dav.Patch) (undo func(), err error) {
	var backs []func()
	undo = func() {
		for i := len(backs) - 1; i >= 0; i-- {
			backs[i]()
		}
		runtime.KeepAlive(f)
	}
	fd := int(f.Fd())
	known, err := attributes(f)
	if err != nil {
		return nil, err
	}
	n := len(known)
	for _, step := range steps {
		name := attribute(step.Name)
		old := make([]byte, maxSize+1)
		size, getErr := unix.Fgetxattr(fd, name, old)
		exists := getErr == nil
		switch {
		case step.Remove && !exists:
			continue
		case step.Remove:
			n--
			err = unix.Fremovexattr(fd, name)
		default:
			if !exists {
				n++
			}
			var value []byte
			if value, err = encode(step.Property); err == nil && n > maxProperties {
				err = ErrFull
			}
			if err == nil {
				err = unix.Fsetxattr(fd, name, value, 0)
			}
		}
		if err != nil {
			undo()
			return nil, explain(err)
		}
		backs = append(backs, func() {
			if exists {
				_ = unix.Fsetxattr(fd, name, old[:size], 0)
			} else {
				_ = unix.Fremovexattr(fd, name)
			}
		})
	}
	return undo, nil
}

func explain(err error) error {
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return errors.ErrUnsupported
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.E2BIG), errors.Is(err, unix.ERANGE):
		return ErrFull
	}
	return err
}
