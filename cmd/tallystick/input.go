package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// input is a file that is read from its beginning to its end, or standard input.
type input struct {
	name string
	size int64 // -1: not known
	read int64 // bytes so far

	ctx    context.Context
	file   *os.File
	reader io.Reader
}

// openInput opens a file; its reads fail when ctx ends.
func openInput(ctx context.Context, name string) (*input, error) {
	in := &input{name: name, size: -1, ctx: ctx, file: os.Stdin}
	if name == stdio {
		in.name = "standard input"
		if term.IsTerminal(int(os.Stdin.Fd())) {
			return nil, errors.New("name a FILE, or give it as standard input")
		}
	} else {
		var err error
		if in.file, err = os.Open(name); err != nil {
			return nil, err
		}
	}
	info, err := in.file.Stat()
	switch {
	case err != nil:
		return nil, errors.Join(err, in.close())
	case info.IsDir():
		return nil, errors.Join(fmt.Errorf("%s is a folder", in.name), in.close())
	case info.Mode().IsRegular() && name != stdio: // standard input may have been read in part
		in.size, in.reader = info.Size(), in.file
	default:
		in.reader = interruptible(ctx, in.file)
	}
	return in, nil
}

// interruptible reads what may never come: ctx ends the wait.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	from, to := io.Pipe()
	go func() {
		_, err := io.Copy(to, r)
		to.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { to.CloseWithError(context.Cause(ctx)) })
	return from
}

func (in *input) Read(p []byte) (int, error) {
	if in.ctx.Err() != nil {
		return 0, context.Cause(in.ctx)
	}
	n, err := in.reader.Read(p)
	in.read += int64(n)
	return n, err
}

func (in *input) close() error { return in.file.Close() }

// canBeReadAgain says whether sum works.
func (in *input) canBeReadAgain() bool { return in.size >= 0 }

// sum is the SHA-256 of the file's content, whatever of it has been read.
func (in *input) sum() (string, error) {
	again, err := openInput(in.ctx, in.file.Name())
	if err != nil {
		return "", err
	}
	defer again.close()
	h := sha256.New()
	if _, err := io.Copy(h, again); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
