package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keys returns the API keys: those given by flag, else those of API_KEYS, else one
// that is made at the first start and kept in a file, which it names.
func (o serveOptions) keys() (keys []string, file string, err error) {
	given := o.apiKeys
	if len(given) == 0 {
		given = strings.Split(os.Getenv("API_KEYS"), ",")
	}
	for _, k := range given {
		if k = strings.TrimSpace(k); k != "" {
			keys = append(keys, k)
		}
	}
	if len(keys) > 0 {
		return keys, "", nil
	}
	file = o.keyFile()
	key, err := keptKey(file)
	if err != nil {
		return nil, "", fmt.Errorf("API key: %w; give one with --api-key", err)
	}
	return []string{key}, file, nil
}

// keyFile is beside the database file, or in this folder where there is none.
func (o serveOptions) keyFile() string {
	if path, ok := strings.CutPrefix(o.store, "sqlite:"); ok {
		return path + ".key"
	}
	return "tallystick.key"
}

// keptKey returns the key in a file, which it makes if there is none.
func keptKey(file string) (string, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKey(file); err == nil || errors.Is(err, fs.ErrExist) { // another process was first
			b, err = os.ReadFile(file)
		}
	}
	if err != nil {
		return "", err
	}
	if key := strings.TrimSpace(string(b)); key != "" {
		return key, nil
	}
	return "", fmt.Errorf("%s is empty", file)
}

// makeKey keeps a new key in a file, readable for its owner only, that has all of
// it from its first moment.
func makeKey(file string) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintln(f, rand.Text())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), file)
}
