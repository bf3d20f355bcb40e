package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeWhole calls write for a file, or for stdout where name is stdio. The file gets
// its name when it is complete, so that nobody takes a part for the whole.
func writeWhole(name string, stdout io.Writer, write func(io.Writer) error) error {
	if name == stdio {
		return buffered(stdout, write)
	}
	target, err := filepath.EvalSymlinks(name) // the link stays one
	switch {
	case errors.Is(err, fs.ErrNotExist):
		target = name
	case err != nil:
		return err
	}
	mode := fs.FileMode(0o666)
	if info, err := os.Stat(target); err == nil {
		if !info.Mode().IsRegular() { // a device, a named pipe
			return inPlace(target, write)
		}
		mode = info.Mode().Perm()
	}
	return besides(target, mode, write)
}

func buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

func inPlace(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(buffered(f, write), f.Close())
}

// besides writes a file of the same folder and then renames it.
func besides(name string, mode fs.FileMode, write func(io.Writer) error) error {
	part := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"."+rand.Text()+".part")
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	err = buffered(f, write)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}
