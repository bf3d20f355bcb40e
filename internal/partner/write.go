package partner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// lock keeps a second writer out of a folder. Of two who read a document and then write it
// the first would have shown a secret that is not in it any more.
func lock(dir string) (unlock func(), err error) {
	name := filepath.Join(dir, ".lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("%s: another `tallystick partner add` or `rotate` is under way: try again when it has ended; if there is none, one was cut off: remove this file", name)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", dir, errNoFolder)
	case err != nil:
		return nil, err
	}
	return func() { os.Remove(name) }, f.Close()
}

// write makes a file as like is, or one that only its owner can read if like is empty. When
// it is complete, it gives it its name: as place does, which is os.Link or os.Rename.
func (f file) write(like string, place func(from, to string) error) error {
	data, err := f.document.encode()
	if err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks(f.path) // the link stays one
	if errors.Is(err, fs.ErrNotExist) {
		target, err = f.path, nil
	}
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(data)
	if like != "" {
		err = errors.Join(err, takeAfter(part, like))
	}
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	return place(part.Name(), target)
}

// takeAfter gives a file another's mode, and its owner where this process may: who can read
// that one, as serve can under a user of its own, is to read this one too.
func takeAfter(part *os.File, like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	if uid, gid, ok := ownerOf(info); ok {
		if err := part.Chown(uid, gid); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return part.Chmod(info.Mode().Perm())
}
