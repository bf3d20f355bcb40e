package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"

	"modernc.org/sqlite"
)

// conn is one connection to the file, with its prepared statements. One goroutine
// at a time uses it. It speaks database/sql's driver interface directly: who owns
// a connection for good has no use for a pool's locks and copies, which cost as
// much again as the statements of a small transaction.
type conn struct {
	raw        driver.Conn
	statements map[string]statement // by their text; a query has few shapes
	args       []driver.NamedValue  // reused by each statement
	inSnapshot bool                 // it reads in one transaction, see snapshot.go
}

// statement is what the driver's prepared statements do.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// connect opens the existing file and sets the pragmas, in their order.
func connect(ctx context.Context, path string, pragmas ...string) (*conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	layer, err := vfs()
	if err != nil {
		return nil, err
	}
	parameters := "mode=rw&_error_rc=1"
	if layer != "" {
		parameters += "&vfs=" + layer
	}
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: parameters}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw, statements: make(map[string]statement)}
	for _, p := range pragmas {
		if err := c.script("PRAGMA " + p); err != nil {
			c.close()
			return nil, fmt.Errorf("pragma %s: %w", p, err)
		}
	}
	return c, nil
}

// exec runs a statement that returns no rows. It is not cancelled halfway: the
// driver would start a goroutine for each statement to watch for that.
func (c *conn) exec(text string, args ...driver.Value) error {
	_, err := c.insert(text, args...)
	return err
}

// insert is exec, and the id of the row that it inserted.
func (c *conn) insert(text string, args ...driver.Value) (id int64, err error) {
	s, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(context.Background(), c.named(args))
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// query hands each row to scan, which may keep the values but not the slice.
func (c *conn) query(ctx context.Context, text string, scan func(row []driver.Value) error, args ...driver.Value) error {
	s, err := c.prepare(text)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, c.named(args))
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := scan(row); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// number reads one INTEGER, or 0 from a statement that returns something else.
func (c *conn) number(text string) (n int64, err error) {
	err = c.query(context.Background(), text, func(row []driver.Value) error {
		n, _ = row[0].(int64)
		return nil
	})
	return n, err
}

// script runs several statements once, without keeping them.
func (c *conn) script(text string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), text, nil)
	return err
}

// rollback ends the transaction, if SQLite has not done so by itself, as it does
// after some errors.
func (c *conn) rollback() { _ = c.exec("ROLLBACK") }

func (c *conn) close() error {
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

func (c *conn) prepare(text string) (statement, error) {
	if s, ok := c.statements[text]; ok {
		return s, nil
	}
	raw, err := c.raw.Prepare(text)
	if err != nil {
		return nil, err
	}
	s := raw.(statement)
	c.statements[text] = s
	return s, nil
}

func (c *conn) named(args []driver.Value) []driver.NamedValue {
	c.args = c.args[:0]
	for i, v := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return c.args
}
